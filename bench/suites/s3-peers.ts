/** How the S3 suite starts its backend and its peers: one thread, keep-alive, bodies that stream. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Launch, Peer, Placement } from '../lib/suite.ts'
import { portolanPeer } from './peers.ts'
import { LOCAL, STORE } from './s3-signed.ts'

/** A program of this suite, as bundled beside the one that runs. */
export function program(name: string): string {
  return fileURLToPath(new URL(`./suites/${name}.mjs`, import.meta.url))
}

export const service: Peer & { launch(placement: Placement): Launch } = {
  name: 'service',
  launch: ({ port, node }) => ({ command: [node, program('s3-backend'), `${port}`] }),
}

/** Verifies and signs nothing. */
export const nginx: Peer = {
  name: 'nginx',
  version: ['nginx', '-v'],
  launch: ({ port, backendPort, folder }) => ({
    command: ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
    files: {
      'nginx.conf': `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_buffer_size 64k;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  upstream service { server 127.0.0.1:${backendPort}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_buffers 16 64k;
      proxy_buffer_size 64k;
      proxy_busy_buffers_size 256k;
    }
  }
}
`,
    },
  }),
}

export const haproxy: Peer = {
  name: 'haproxy',
  version: ['haproxy', '-v'],
  launch: ({ port, backendPort, folder }) => ({
    command: ['haproxy', '-db', '-f', join(folder, 'haproxy.cfg')],
    files: {
      'haproxy.cfg': `
global
  nbthread 1
  tune.bufsize 65536
defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  http-reuse always
listen service
  bind 127.0.0.1:${port}
  server service 127.0.0.1:${backendPort} pool-max-conn 64
`,
    },
  }),
}

export const VERSITYGW = 'versitygw'

/** Verifies, and signs for the service behind it, but for bodies: without TLS it does not stream those it signs. Undefined where it is not installed. */
export function versitygw(): Peer | undefined {
  if (spawnSync(VERSITYGW, ['--version'], { stdio: 'ignore' }).status !== 0) return undefined
  return {
    name: VERSITYGW,
    version: [VERSITYGW, '--version'],
    launch: ({ port, backendPort }) => ({
      command: [
        ...[
          'env',
          '-u',
          'AWS_CA_BUNDLE',
          'AWS_RESPONSE_CHECKSUM_VALIDATION=when_required',
          'GOMAXPROCS=1',
          VERSITYGW,
          '--quiet',
          '--keep-alive',
          '--port',
          `127.0.0.1:${port}`,
        ],
        ...[
          '--access',
          LOCAL.accessKey,
          '--secret',
          LOCAL.secret,
          's3',
          '--endpoint',
          `http://127.0.0.1:${backendPort}`,
        ],
        ...[
          '--access',
          STORE.accessKey,
          '--secret',
          STORE.secret,
          '--use-path-style',
          '--disable-checksum',
          '--disable-data-integrity-check',
        ],
      ],
    }),
  }
}

/** Portolan from a checkout, or from the entry file of one: it verifies, and signs anew. */
export function portolan(name: string, path: string): Peer {
  return withBackend(
    name,
    path,
    ({ backendPort, folder }) => `
    endpoint: http://127.0.0.1:${backendPort}
    credentials: { accessKeyId: ${STORE.accessKey}, secretAccessKey: { file: ${join(folder, 'store')} } }`,
  )
}

export const EMBEDDED = 'portolan-embedded'

/** The same with its own store, which writes what it gets to the disk. */
export function embedded(path: string): Peer {
  return withBackend(EMBEDDED, path, ({ folder }) => `\n    embedded: { dataDirectory: ${join(folder, 'data')} }`)
}

function withBackend(name: string, path: string, backend: (placement: Placement) => string): Peer {
  return portolanPeer(
    name,
    path,
    placement => `
listeners:
  objects:
    protocol: s3
    address: 127.0.0.1:${placement.port}
    backend: objects
    keys: [{ accessKeyId: ${LOCAL.accessKey}, secretAccessKey: { file: ${join(placement.folder, 'local')} } }]
backends:
  objects:
    protocol: s3${backend(placement)}
admin: { address: 127.0.0.1:${placement.adminPort} }
`,
    { local: LOCAL.secret, store: STORE.secret },
  )
}
