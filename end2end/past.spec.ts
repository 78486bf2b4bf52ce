// Story: a dead letter was dropped from Redis; its link still works, and the job runs again.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { payload } from './jobs'
import { text, write } from './sqlite'
import { expect, test } from './support'

const folder = mkdtempSync(join(tmpdir(), 'flux-console-past-'))
const file = join(folder, 'flux.sqlite')
test.use({ consoleArgs: ['--archive', `sqlite:${file}`] })
test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Two rows as the library writes them when a job is dead: the failure, and the false completion. */
function died(id: string) {
  const at = new Date(Date.now() - 60_000).toISOString()
  const job = { id, attempts: 1, maxAttempts: 1, error: 'PaymentTimeout: gateway did not answer', failedAt: Date.now() - 60_000 }
  const rows = [
    [id, 'orders', 'failed', payload('orders', job), job.error, at, at],
    [id, 'orders', 'completed', payload('orders', { ...job, error: undefined, failedAt: undefined }), null, at, at],
  ]
  const into = 'INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at)'
  write(file, rows.map((row) => `${into} VALUES (${row.map(text).join(', ')})`))
}

test('a link to a job that left Redis shows it, and it can be retried once and copied', async ({ open, queues, page }) => {
  await queues.push('orders', [{ id: 'other' }])
  await open('/queues/orders') // the console makes the tables
  await expect(async () => died('ORD-7')).toPass()
  await page.getByRole('link', { name: 'Archive' }).click()
  await expect(page.getByRole('row', { name: /Failed attempt/ })).toBeVisible()
  await page.getByRole('row', { name: /Failed(?! attempt)/ }).getByRole('link').click()

  await expect(page.getByText('Attempt 1 failed, no attempts left')).toBeVisible()
  await expect(page.getByText('PaymentTimeout:').first()).toBeVisible()
  await expect(page.getByRole('navigation', { name: 'Breadcrumb' })).toContainText('archive')
  await expect(page.getByRole('main')).toContainText('archived copy.')
  await page.getByRole('button', { name: 'Retry job…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Retry job' }).click()
  await expect(page.getByText('Job ORD-7 is waiting in orders')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Retried' })).toBeDisabled()
  expect(await queues.waiting('orders')).toBe(2)

  await page.getByRole('button', { name: 'Duplicate…' }).click()
  await expect(page.getByRole('dialog')).toContainText('new id')
  await page.getByRole('dialog').getByRole('button', { name: 'Duplicate job' }).click()
  await expect(page.getByText('A copy is waiting in orders')).toBeVisible()
  expect(await queues.waiting('orders')).toBe(3)
})

test('a link that names another queue leads to the one where the job is known', async ({ open, queues }) => {
  await queues.push('mail', [{ id: 'other' }])
  await open('/queues/mail') // the console makes the tables
  await expect(async () => died('ORD-8')).toPass()
  const page = await open('/queues/mail/jobs/ORD-8')
  await expect(page.getByRole('main')).toContainText('Found in the queue orders')
  await page.getByRole('main').getByRole('row', { name: /Failed/ }).getByRole('link', { name: 'orders' }).click()
  await expect(page).toHaveURL(/\/queues\/orders\/jobs\/ORD-8$/)
  await expect(page.getByText('Attempt 1 failed, no attempts left')).toBeVisible()
})

test('a page that was open while its group was retried pushes nothing again', async ({ open, queues, page }) => {
  await queues.push('orders', [{ id: 'other' }])
  await open('/queues/orders') // the console makes the tables
  await expect(async () => died('ORD-9')).toPass()
  await open('/queues/orders/jobs/ORD-9')
  await expect(page.getByRole('button', { name: 'Retry job…' })).toBeVisible()

  const api = (path: string) => new URL(`/api/v1${path}`, page.url()).href
  const json = async (path: string) => (await page.request.get(api(path))).json()
  let group = ''
  let archived: { parts: unknown[] } = { parts: [] }
  await expect(async () => {
    group = `/errors/${(await json('/errors')).kinds[0].signature}`
    archived = (await json(`${group}/archived`)).archived
    expect(archived.parts).toHaveLength(1)
  }).toPass()
  const started = await page.request.post(api(`${group}/retry`), { data: { parts: [], archived } })
  const { operations } = await started.json()
  await expect(async () => expect((await json(`/operations/${operations[0].id}`)).status).toBe('done')).toPass()
  const waiting = await queues.waiting('orders')
  expect(waiting).toBeGreaterThan(1)

  await page.getByRole('button', { name: 'Retry job…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Retry job' }).click()
  await expect(page.getByText('Job ORD-9 was retried since this page was loaded')).toBeVisible()
  expect(await queues.waiting('orders')).toBe(waiting)
})
