// A gateway that takes both seats there are, says so, keeps them as long as it lives, and is killed.
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { nothingUsed, seatBucket, systemRandom } from '@switchyard/runtime'

const [url = '', seatMs = '0'] = process.argv.slice(2)
const options = { url, seatMs: Number(seatMs) }
const limiter = url.startsWith('redis:') ? await openRedisLimiter(options) : openPostgresLimiter(options)
const buckets = [seatBucket({ key: 'held', level: 'workspace', limit: 2 })]
const claims = [0, 1].map(() => ({ id: systemRandom.id(), buckets, amounts: nothingUsed }))
for (const claim of claims) process.stdout.write(`${(await limiter.admit(claim)).type}\n`)
setInterval(() => void limiter.renew(claims), options.seatMs / 3)
