// Where the Node programs find Redis, as service.mjs says it.
export const host = process.env.REDIS_HOST
export const port = Number(process.env.REDIS_PORT)
/** The same service with passwords: `secret` for the default user, `app-secret` for the user `app`. */
export const authPort = Number(process.env.REDIS_AUTH_PORT)
