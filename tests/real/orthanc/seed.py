"""Makes small synthetic imaging studies and uploads them. Nobody in them is real.

usage: seed.py BASE_URL
"""

import datetime
import io
import sys

import numpy as np
import requests
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PATIENTS = ["TEST^ALMA", "PROBE^BRUNO", "SAMPLE^CHIDI"]
STUDIES, SERIES, INSTANCES, SIZE = 2, 2, 3, 128


def uid(*parts: object) -> str:
    return generate_uid(entropy_srcs=["leastway", *map(str, parts)])


def image(instance: int) -> bytes:
    y, x = np.mgrid[:SIZE, :SIZE]
    radius = np.hypot(x - SIZE / 2, y - SIZE / 2)
    waves = 200 * np.sin((x + 5 * instance) / 6)
    return np.clip(2000 - 20 * radius + waves, 0, 4095).astype("<u2").tobytes()


def dicom(patient: int, study: int, series: int, instance: int) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid(patient, study, series, instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    day = datetime.date(2026, 1, 5) + datetime.timedelta(days=30 * study + patient)
    file.update(
        {
            "SOPClassUID": meta.MediaStorageSOPClassUID,
            "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
            "PatientName": PATIENTS[patient],
            "PatientID": f"LW{patient + 1:04d}",
            "PatientBirthDate": f"19{40 + 7 * patient:02d}0{1 + patient}15",
            "PatientSex": "FMO"[patient % 3],
            "StudyInstanceUID": uid(patient, study),
            "SeriesInstanceUID": uid(patient, study, series),
            "StudyDate": day.strftime("%Y%m%d"),
            "StudyTime": "101500",
            "AccessionNumber": f"ACC{patient + 1:02d}{study + 1:02d}",
            "StudyDescription": ["CHEST CT", "HEAD CT FOLLOW UP"][study % 2],
            "SeriesDescription": f"AXIAL {series + 1}",
            "Modality": "CT",
            "StudyID": str(study + 1),
            "SeriesNumber": series + 1,
            "InstanceNumber": instance + 1,
            "Rows": SIZE,
            "Columns": SIZE,
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11,
            "PixelRepresentation": 0,
            "PixelData": image(instance),
        }
    )
    file["PixelData"].VR = "OW"
    out = io.BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


def main() -> None:
    base = sys.argv[1]
    with requests.Session() as session:
        for patient in range(len(PATIENTS)):
            for study in range(STUDIES):
                for series in range(SERIES):
                    for instance in range(INSTANCES):
                        data = dicom(patient, study, series, instance)
                        session.post(f"{base}/instances", data=data, timeout=30).raise_for_status()


main()
