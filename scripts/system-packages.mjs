/** The programs of the system that each command needs, and how they are had where there is apt. No dependencies. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian's package, what shows that it is there (a program, or a command that succeeds), and which commands need it. */
const PACKAGES = [
  {
    name: 'redis-server',
    program: 'redis-server',
    for: ['start', 'test', 'interop', 'bench'],
    service: 'redis-server',
  },
  { name: 'redis-tools', program: 'redis-cli', for: ['start', 'test', 'interop', 'bench'] },
  // The server without what makes it a service of the system; tests need its plugins too.
  { name: 'mariadb-server-core', program: 'mariadbd', for: ['start', 'test', 'interop', 'bench'] },
  { name: 'mariadb-client-core', program: 'mariadb', for: ['start', 'test', 'interop', 'bench'] },
  {
    name: 'mariadb-server',
    command: ['test', '-e', '/usr/lib/mysql/plugin/auth_ed25519.so'],
    for: ['test', 'interop'],
    service: 'mariadb',
  },
  { name: 'etcd-server', program: 'etcd', for: ['test', 'interop'], service: 'etcd' },
  {
    name: 'rabbitmq-server',
    program: 'rabbitmq-server',
    for: ['test', 'interop'],
    service: 'rabbitmq-server',
  },
  { name: 'mosquitto', program: 'mosquitto', for: ['test', 'interop'], service: 'mosquitto' },
  { name: 'nats-server', program: 'nats-server', for: ['test', 'interop'], service: 'nats-server' },
  {
    name: 'postgresql',
    command: ['sh', '-c', 'ls /usr/lib/postgresql/*/bin/postgres'],
    for: ['test', 'interop'],
    service: 'postgresql',
  },
  // For networks that are cut, which only root can have.
  { name: 'iproute2', program: 'ip', for: ['test'] },
  // ZooKeeper without what makes it a service of the system.
  {
    name: 'libzookeeper-java',
    command: ['test', '-e', '/usr/share/java/zookeeper.jar'],
    for: ['test', 'interop'],
  },
  { name: 'default-jre-headless', program: 'java', for: ['test', 'interop'] },
  { name: 'mariadb-test', program: 'mariadb-test', for: ['interop'] },
  { name: 'mariadb-test-data', command: ['test', '-d', '/usr/share/mysql/mysql-test/main'], for: ['interop'] },
  { name: 'haproxy', program: 'haproxy', for: ['bench'], service: 'haproxy' },
  { name: 'sysbench', program: 'sysbench', for: ['interop', 'bench'] },
  { name: 'nutcracker', program: 'nutcracker', for: ['bench'], service: 'nutcracker' },
  { name: 'wrk', program: 'wrk', for: ['bench'] },
  { name: 'nghttp2-client', program: 'h2load', for: ['bench'] },
  { name: 'nginx-light', program: 'nginx', for: ['bench'], service: 'nginx' },
  { name: 'ca-certificates', command: ['test', '-s', '/etc/ssl/certs/ca-certificates.crt'], for: ['interop'] },
  { name: 'tcl', program: 'tclsh', for: ['interop'] },
  { name: 'mariadb-client', program: 'mysqldump', for: ['interop'] },
  { name: 'php-cli', program: 'php', for: ['interop'] },
  {
    name: 'php-mysql',
    command: ['php', '-r', 'new mysqli(); new ReflectionExtension("pdo_mysql");'],
    for: ['interop'],
  },
  { name: 'libdbd-mariadb-perl', command: ['perl', '-MDBD::MariaDB', '-e', '1'], for: ['interop'] },
  { name: 'libdbd-mysql-perl', command: ['perl', '-MDBD::mysql', '-e', '1'], for: ['interop'] },
  { name: 'python3-pymysql', command: ['/usr/bin/python3', '-c', 'import pymysql'], for: ['interop'] },
  { name: 'python3-mysqldb', command: ['/usr/bin/python3', '-c', 'import MySQLdb'], for: ['interop'] },
  { name: 'python3-pip', command: ['/usr/bin/python3', '-m', 'pip', '--version'], for: ['interop'] },
  { name: 'python3-swift', command: ['/usr/bin/python3', '-c', 'import swift'], for: ['interop'] },
  { name: 'radosgw', program: 'radosgw', for: ['interop'] },
  { name: 'ceph-mon', program: 'ceph-mon', for: ['interop'] },
  { name: 'ceph-osd', program: 'ceph-osd', for: ['interop'] },
  { name: 'ceph-common', program: 'ceph', for: ['interop'] },
  { name: 'awscli', program: 'aws', for: ['interop'] },
  { name: 'python3-boto3', command: ['/usr/bin/python3', '-c', 'import boto3'], for: ['interop'] },
  { name: 's3cmd', program: 's3cmd', for: ['interop'] },
  { name: 'rclone', program: 'rclone', for: ['interop'] },
  { name: 'restic', program: 'restic', for: ['interop'] },
  { name: 's3fs', program: 's3fs', for: ['interop'] },
  { name: 'gcc', program: 'gcc', for: ['interop'] },
  { name: 'libc6-dev', command: ['test', '-e', '/usr/include/stdio.h'], for: ['interop'] },
]

/** The packages that a purpose needs and this machine lacks. */
export function missingPackages(purpose, path = process.env.PATH ?? '') {
  return PACKAGES.filter(entry => entry.for.includes(purpose) && !isPresent(entry, path))
}

function isPresent({ program, command }, path) {
  if (command) return spawnSync(command[0], command.slice(1), { stdio: 'ignore' }).status === 0
  // Daemons live in sbin, which is not on everyone's PATH.
  const directories = [...path.split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return directories.some(directory => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** What a person would type to install them. */
export function installCommand(packages) {
  return `apt-get update && apt-get install -y --no-install-recommends ${names(packages)}`
}

/**
 * A script for root that does the same, but neither starts the packages' services now nor at the next boot: Portolan starts
 * its own servers, and a redis-server on 6379 would be in its way. Services that were installed before are not touched.
 */
export function installScript(packages) {
  const services = packages.flatMap(({ service }) => service ?? []).join(' ')
  return `set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >$policy
  chmod 755 $policy
fi
apt-get -o DPkg::Lock::Timeout=300 update
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends ${names(packages)}
if [ -d /run/systemd/system ]; then
  for service in ${services}; do systemctl disable --quiet --now $service || true; done
fi`
}

const names = packages => packages.map(({ name }) => name).join(' ')

/** Installs what is missing when that is possible without a question; else prints what to type and ends the process. */
export function installMissing(purpose) {
  const packages = missingPackages(purpose)
  if (packages.length === 0) return
  const root = rootCommand()
  if (!root) {
    const apt = hasProgram('apt-get')
    console.error(
      `${purpose} needs these programs of the system: ${names(packages)} (Debian's names). Please install them:`,
    )
    console.error(apt ? `  sudo sh -c '${installCommand(packages)}'` : `  ${otherCommand(packages)}`)
    console.error(`and run the same command again.`)
    process.exit(1)
  }
  console.log(`Installing packages of the system: ${names(packages)}`)
  const { status } = spawnSync(root[0], [...root.slice(1), 'sh', '-c', installScript(packages)], { stdio: 'inherit' })
  const still = missingPackages(purpose)
  if (status === 0 && still.length === 0) return
  console.error(`That did not work. Please run as root:\n  ${installCommand(still.length ? still : packages)}`)
  process.exit(1)
}

/** The words before a command that make it run as root, when apt is there and root is to be had without a question. */
function rootCommand() {
  if (!hasProgram('apt-get')) return undefined
  if (process.getuid?.() === 0) return ['env']
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined
}

function hasProgram(program) {
  return isPresent({ program }, process.env.PATH ?? '')
}

function otherCommand(packages) {
  if (process.platform === 'win32') return 'use WSL with Debian or Ubuntu: there the same command installs them'
  return `with your package manager: ${names(packages)} (on macOS both of redis are "brew install redis")`
}
