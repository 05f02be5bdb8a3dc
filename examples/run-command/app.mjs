// An application like any other: it knows a Redis by its URL, and nothing of Portolan.
import { createClient } from 'redis'

const client = await createClient({ url: process.env.REDIS_URL }).connect()
console.log(`visit ${await client.incr('visits')}`)
await client.close()
