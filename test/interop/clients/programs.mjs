// All client programs, each with what starts the service that it talks to.
import { daprPrograms } from './dapr/programs.mjs'
import { startDaprService } from './dapr/service.mjs'
import { mariadb11Programs, mysql9Programs, mysqlPrograms } from './mysql/programs.mjs'
import { startMysqlService } from './mysql/service.mjs'
import { redisPrograms } from './redis/programs.mjs'
import { startRedisService } from './redis/service.mjs'
import { embeddedPrograms, s3Programs, s3TlsPrograms, versitygwPrograms } from './s3/programs.mjs'
import { startS3Service } from './s3/service.mjs'

const on = (startService, programs) => programs.map(program => ({ ...program, startService }))

export const programs = [
  ...on(startRedisService, redisPrograms),
  ...on(startMysqlService('mariadb'), mysqlPrograms),
  ...on(startMysqlService('mariadb11'), mariadb11Programs),
  ...on(startMysqlService('mysql9'), mysql9Programs),
  ...on(startS3Service('swift'), s3Programs('swift')),
  ...on(startS3Service('radosgw'), s3Programs('radosgw')),
  ...on(startS3Service('swift', true), s3TlsPrograms('swift')),
  ...on(startS3Service('radosgw', true), s3TlsPrograms('radosgw')),
  ...on(startS3Service('versitygw'), versitygwPrograms),
  ...on(startS3Service('embedded'), embeddedPrograms),
  ...on(startDaprService, daprPrograms),
]
