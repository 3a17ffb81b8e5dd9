#!/usr/bin/env python3
"""Makes buckets and looks into them with boto3, as whoever runs the storage would.

  bucket.py ENDPOINT CA make            an account with its keys, a bucket under lock and one without
  bucket.py ENDPOINT CA list BUCKET     names and versions
  bucket.py ENDPOINT CA notes BUCKET    what is in its checkpoints, one behind the other
  bucket.py ENDPOINT CA destroy BUCKET  tries to destroy every version: how many, and why not
  bucket.py ENDPOINT CA spoil BUCKET    writes over the middle of each packed segment
"""

import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

endpoint, authority, verb, *rest = sys.argv[1:]
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def client(service):
    return boto3.client(service, endpoint_url=endpoint, verify=authority, region_name="us-east-1")


def versions(bucket):
    return client("s3").list_object_versions(Bucket=bucket).get("Versions", [])


def make():
    # Not asked for who it is so far: see INITIAL_NO_AUTH_ACTION_COUNT.
    iam, s3 = client("iam"), client("s3")
    iam.create_user(UserName="leastway")
    key = iam.create_access_key(UserName="leastway")["AccessKey"]
    iam.put_user_policy(UserName="leastway", PolicyName="all", PolicyDocument=json.dumps(POLICY))
    s3.create_bucket(Bucket="journal", ObjectLockEnabledForBucket=True)
    s3.create_bucket(Bucket="loose")
    print(key["AccessKeyId"], key["SecretAccessKey"])


def notes(bucket):
    s3 = client("s3")
    for it in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        if "/checkpoints/" in it["Key"]:
            print(s3.get_object(Bucket=bucket, Key=it["Key"])["Body"].read().decode())


def destroy(bucket):
    done, refused = 0, {}
    for it in versions(bucket):
        try:
            client("s3").delete_object(Bucket=bucket, Key=it["Key"], VersionId=it["VersionId"])
            done += 1
        except ClientError as error:
            code = error.response["Error"]["Code"]
            refused[code] = refused.get(code, 0) + 1
    print(f"destroyed {done}", *(f"{code} {count}" for code, count in refused.items()))


def spoil(bucket):
    s3 = client("s3")
    for it in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        if it["Key"].endswith(".zst"):
            body = bytearray(s3.get_object(Bucket=bucket, Key=it["Key"])["Body"].read())
            body[len(body) // 2] ^= 1
            s3.put_object(Bucket=bucket, Key=it["Key"], Body=bytes(body))


if verb == "make":
    make()
elif verb == "list":
    for it in versions(*rest):
        print(it["Key"], it["VersionId"], it["Size"])
elif verb == "notes":
    notes(*rest)
elif verb == "destroy":
    destroy(*rest)
elif verb == "spoil":
    spoil(*rest)
