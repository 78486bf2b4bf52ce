// Puts into Redis what the queue library would put there, byte for byte (keys and payloads as `push`, `fail` and a heartbeat write them).
import type { RedisClientType } from 'redis'

export const prefix = 'queue:'

export interface Job {
  id: string
  className?: string
  /** What the job is about; becomes `data.properties`. */
  properties?: Record<string, unknown>
  createdAt?: number
  attempts?: number
  maxAttempts?: number
  groupId?: string
  priority?: string
  error?: string
  failedAt?: number
  /** Top-level fields that another producer added. */
  extra?: Record<string, unknown>
}

/** One payload. Fields that are not set are absent, in the library's order. */
export function payload(queue: string, job: Job): string {
  const className = job.className ?? 'SendInvoice'
  return JSON.stringify({
    id: job.id,
    type: 'class',
    data: JSON.stringify({ class: className, properties: { queueName: queue, ...job.properties } }),
    className,
    createdAt: job.createdAt ?? Date.now() - 60_000,
    attempts: job.attempts,
    maxAttempts: job.maxAttempts ?? 3,
    groupId: job.groupId,
    error: job.error,
    failedAt: job.failedAt,
    priority: job.priority,
    ...job.extra,
  })
}

/** `make(3, 'ORD')` is three jobs, ORD-1 to ORD-3. */
export function make(count: number, name: string, rest: (n: number) => Partial<Job> = () => ({})): Job[] {
  return Array.from({ length: count }, (_, i) => ({ id: `${name}-${i + 1}`, ...rest(i + 1) }))
}

export class Queues {
  constructor(private redis: RedisClientType) {}

  key(queue: string, suffix = '') {
    return `${prefix}${queue}${suffix}`
  }

  /** Waiting, the first of them runs first. */
  async push(queue: string, jobs: Job[], priority = '') {
    const key = this.key(queue, priority && `:${priority}`)
    await this.chunks(jobs, (some) => this.redis.lPush(key, some.map((job) => payload(queue, job))))
  }

  /** Due `inMs` from now. */
  async delay(queue: string, jobs: Job[], inMs = 3_600_000) {
    const due = Date.now() + inMs
    await this.redis.zAdd(this.key(queue, ':delayed'), jobs.map((job, i) => ({ score: due + i, value: payload(queue, job) })))
  }

  /** Dead letters; the last of them is the newest and stands first on the page. */
  async fail(queue: string, jobs: Job[], error = 'PaymentTimeout: gateway did not answer within 30000 ms') {
    const dead = (job: Job): Job => ({ attempts: 3, error, failedAt: Date.now() - 5_000, ...job })
    await this.chunks(jobs, (some) => this.redis.lPush(this.key(queue, ':failed'), some.map((job) => payload(queue, dead(job)))))
  }

  /** One job of the group waits or runs; the rest is pending behind it. */
  async group(queue: string, group: string, jobs: Job[]) {
    const [first, ...rest] = jobs.map((job) => payload(queue, { ...job, groupId: group }))
    await this.redis.sAdd(`${prefix}active`, group)
    await this.redis.lPush(this.key(queue), first)
    if (rest.length) await this.redis.rPush(`${prefix}pending:${group}`, rest)
  }

  /** A worker that says it serves these queues. Lives for ten minutes instead of ten seconds: no test beats for it. */
  async worker(id: string, queues: string[]) {
    const heartbeat = {
      id, status: 'online', hostname: 'shop-1', pid: 4711, uptime: 3600, last_ping: new Date().toISOString(), queues,
      metrics: { cpu: 0.4, cores: 2, ram: { rss: 120, heapUsed: 60, total: 2048 } },
    }
    await this.redis.set(`flux_console:worker:${id}`, JSON.stringify(heartbeat), { EX: 600 })
  }

  async waiting(queue: string) {
    return this.redis.lLen(this.key(queue))
  }

  async failed(queue: string) {
    return this.redis.lLen(this.key(queue, ':failed'))
  }

  private async chunks<T>(all: T[], each: (some: T[]) => Promise<unknown>) {
    for (let i = 0; i < all.length; i += 1_000) await each(all.slice(i, i + 1_000))
  }
}

/** What consumers say on the event channel, and the heartbeats that keep them alive. */
export class Workers {
  private beats = new Map<string, NodeJS.Timeout>()

  constructor(private redis: RedisClientType) {}

  /** Beats every second until it is stopped or killed, as a consumer with `monitor: true` does. */
  async start(id: string, queues: string[]) {
    const beat = () => this.beat(id, queues).catch(() => {}) // a story may stop Redis
    await this.beat(id, queues)
    this.beats.set(id, setInterval(beat, 1_000))
    await this.say(id, 'info', `Consumer started on [${queues.join(', ')}]`)
  }

  private async beat(id: string, queues: string[]) {
    const heartbeat = {
      id, status: 'online', hostname: 'shop-1', pid: 4711, uptime: 3600, last_ping: new Date().toISOString(), queues,
      metrics: { cpu: 0.4, cores: 2, ram: { rss: 120, heapUsed: 60, total: 2048 } },
    }
    await this.redis.set(`flux_console:worker:${id}`, JSON.stringify(heartbeat), { EX: 10 })
  }

  /** Gone without a goodbye: as if the process was killed ten seconds ago. */
  async kill(id: string) {
    clearInterval(this.beats.get(id))
    await this.redis.del(`flux_console:worker:${id}`)
  }

  async say(id: string, level: string, message: string, jobId?: string) {
    await this.redis.publish('flux_console:logs', JSON.stringify({ level, message, workerId: id, jobId, timestamp: new Date().toISOString() }))
  }

  async begin(id: string, job: string) {
    await this.say(id, 'info', `Processing job: ${job}`, job)
  }

  async complete(id: string, job: string) {
    await this.say(id, 'success', `Completed job: ${job}`, job)
  }

  async fail(id: string, job: string, error: string) {
    await this.say(id, 'error', `Job failed: ${job} - ${error}`, job)
  }

  end() {
    this.beats.forEach((timer) => clearInterval(timer))
  }
}
