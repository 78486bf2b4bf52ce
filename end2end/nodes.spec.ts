// Story: an operator looks at the nodes of a service and asks one of them to do something.
import type { RedisClientType } from 'redis'
import { make } from './jobs'
import { expect, test as base, toasts } from './support'

// A refused command is an answer with the status of an error, which a browser notes.
const test = base.extend({ expectedErrors: async ({}, use) => use([/api\/fn\/nodes\/command/]) })

const key = (service: string, id: string) => `gravito:quasar:node:${service}:${id}`

/** A heartbeat as a Laravel agent writes it. */
async function beat(redis: RedisClientType, id: string, failed: number, more: Record<string, unknown> = {}) {
  const heartbeat = {
    id, service: 'billing', language: 'php', version: '8.4.2', pid: 402, hostname: 'billing-1', platform: 'linux',
    cpu: { system: 41.3, process: 5.25, cores: 4 },
    memory: { system: { total: 8_000_000_000, free: 6_000_000_000, used: 2_000_000_000 }, process: { rss: 64_000_000 } },
    queues: [{ name: 'default', driver: 'laravel', size: { waiting: 0, active: 1, failed, delayed: 0 } }],
    runtime: { uptime: 7_200, framework: 'Laravel' }, meta: { laravel: { workerCount: 3, roots: [] } }, timestamp: Date.now(),
    ...more,
  }
  await redis.set(key('billing', id), JSON.stringify(heartbeat), { EX: 30 })
}

test('nodes by service, with what they say and what they do not', async ({ queues, redis, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  await beat(redis, 'billing-1', 3)
  await redis.set(key('api', 'api-1'), JSON.stringify({ queues: [{ name: 'queue:orders', driver: 'redis', size: { waiting: 1, active: 0, failed: 0, delayed: 0 } }], timestamp: Date.now() }), { EX: 30 })
  await redis.set(key('api', '<b>odd</b>'), 'not json', { EX: 30 })
  const page = await open('/workers')
  const nodes = page.getByRole('region', { name: 'Nodes' })
  const billing = nodes.getByRole('list', { name: 'Nodes of billing' })
  await expect(billing).toContainText('Online')
  await expect(billing).toContainText('41 %')
  await expect(billing).toContainText('25 %')
  await billing.getByText('billing-1', { exact: true }).click()
  await expect(billing).toContainText('php 8.4.2 · Laravel')
  await expect(billing).toContainText('3 queue workers')
  await expect(billing.getByRole('row').filter({ hasText: 'default' })).toContainText('3')
  const api = nodes.getByRole('list', { name: 'Nodes of api' })
  await api.getByText('api-1', { exact: true }).click()
  const row = api.getByRole('row').filter({ hasText: 'queue:orders' })
  await expect(row.getByRole('cell').nth(2)).toHaveText('1')
  await expect(row.getByRole('cell').nth(5)).toHaveText('—')
  await expect(api).toContainText('<b>odd</b>')
  await expect(api).toContainText('Its heartbeat is not JSON.')
  // The console is one of them.
  await expect(nodes.getByRole('list', { name: 'Nodes of flux-console' })).toContainText('Flux Console')
  await page.screenshot({ path: 'end2end/report/shots/nodes-light.png', fullPage: true })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.reload()
  await expect(nodes).toContainText('billing-1')
  await billing.getByText('billing-1', { exact: true }).click()
  await page.screenshot({ path: 'end2end/report/shots/nodes-dark.png', fullPage: true })
  await page.setViewportSize({ width: 390, height: 844 })
  await page.screenshot({ path: 'end2end/report/shots/nodes-phone.png', fullPage: true })
  // What is open stays open, and a node that is gone says so.
  await redis.del(key('billing', 'billing-1'))
  await expect(billing).toContainText('Gone')
  await expect(billing).toContainText('3 queue workers')
})

test('a command: nobody listens, then somebody does, and the next heartbeat is shown', async ({ redis, queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  await beat(redis, 'billing-1', 3)
  const page = await open('/workers')
  const billing = page.getByRole('list', { name: 'Nodes of billing' })
  await billing.getByText('billing-1', { exact: true }).click()
  const retry = billing.getByRole('button', { name: 'Retry all…' })
  await retry.click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('Retry 3 failed jobs of default?')
  await expect(dialog).toContainText('nobody replies')
  await dialog.getByRole('button', { name: 'Ask to retry 3 jobs' }).click()
  await expect(dialog.getByRole('alert')).toContainText('No agent listens for commands to billing:billing-1, so nobody would act. Nothing was sent.')
  await page.screenshot({ path: 'end2end/report/shots/node-nobody.png' })

  const agent = redis.duplicate()
  await agent.connect()
  const heard: string[] = []
  await agent.subscribe('gravito:quasar:cmd:billing:billing-1', (message) => void heard.push(message))
  await dialog.getByRole('button', { name: 'Ask to retry 3 jobs' }).click()
  await expect(dialog).toBeHidden()
  await expect(toasts(page)).toContainText('1 agent listened')
  const commands = billing.getByRole('list', { name: 'Commands' })
  await expect(commands).toContainText('retry all failed jobs of default; 1 agent listened. No heartbeat since')
  expect(heard).toHaveLength(1)
  expect(JSON.parse(heard[0])).toMatchObject({ type: 'LARAVEL_ACTION', targetNodeId: 'billing-1', payload: { queue: 'default', jobKey: '*', driver: 'laravel', action: 'retry-all' } })
  await beat(redis, 'billing-1', 0)
  await expect(commands).toContainText(/The next heartbeat came .* later; failed 3 → 0/)
  await page.screenshot({ path: 'end2end/report/shots/node-answered.png', fullPage: true })

  // One job: only by its whole payload.
  await billing.getByRole('button', { name: 'Command for one job…' }).click()
  await dialog.getByLabel('Whole payload of the job').fill('job-1')
  await dialog.getByRole('button', { name: 'Ask to retry 1 job' }).click()
  await expect(dialog.getByRole('alert')).toContainText('job-1 would hit job-10')
  await dialog.getByLabel('Command', { exact: true }).selectOption('delete')
  await dialog.getByLabel('Whole payload of the job').fill('{"id":"job-1"}')
  await page.screenshot({ path: 'end2end/report/shots/node-job.png' })
  await dialog.getByRole('button', { name: 'Ask to delete 1 job' }).click()
  await expect(dialog).toBeHidden()
  await expect.poll(() => heard.length).toBe(2)
  expect(JSON.parse(heard[1]).payload).toEqual({ queue: 'default', jobKey: '{"id":"job-1"}', driver: 'laravel' })
  agent.destroy()
})

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false })
  test('nodes read', async ({ queues, redis, visit }) => {
    await queues.push('orders', make(1, 'ORD'))
    await beat(redis, 'billing-1', 3)
    const page = await visit('/workers')
    await expect(async () => {
      await page.reload()
      await expect(page.getByRole('list', { name: 'Nodes of billing' })).toContainText('41 %', { timeout: 200 })
    }).toPass()
    await page.getByText('billing-1', { exact: true }).click()
    await expect(page.getByRole('list', { name: 'Nodes of billing' })).toContainText('3 queue workers')
    await expect(page.getByRole('button', { name: 'Retry all…' })).toBeHidden()
  })
})
