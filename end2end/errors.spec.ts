// Story: many jobs fail for one reason; that kind is found and retried as a group, the others stay.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { make, payload } from './jobs'
import { text, write } from './sqlite'
import { expect, test, toasts } from './support'

test.use({ consoleArgs: ['--archive', 'off'] })

test('failures are grouped by what they have in common, and a group is retried', async ({ open, queues, page }) => {
  await queues.fail('orders', make(12, 'T', (n) => ({ error: `PaymentTimeout: gateway did not answer within ${30_000 + n} ms` })))
  await queues.fail('orders', make(2, 'C', () => ({ error: 'Card declined' })))
  await open('/errors')
  await expect(page.getByText('This console keeps no archive')).toBeVisible()
  await expect(page.getByRole('row', { name: /Card declined/ })).toContainText('2')
  await page.getByRole('row', { name: /gateway did not answer within <n> ms/ }).getByRole('link').click()

  await expect(page.getByRole('heading', { level: 1 })).toContainText('within <n> ms')
  await expect(page.getByRole('button', { name: 'Retry 12 jobs…' })).toBeVisible()
  await expect(page.getByText(/Failed lists in Redis read at \d\d:\d\d:\d\d UTC\./)).toBeVisible()

  // One more fails while the page is open: it says so, and promises no number that it does not know.
  await queues.fail('orders', make(1, 'L', () => ({ error: 'PaymentTimeout: gateway did not answer within 1 ms' })))
  await expect(page.getByText('They have changed since.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Retry all…' })).toBeVisible()
  await page.getByRole('button', { name: 'Delete all…' }).click()
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Delete 13 jobs' })).toBeEnabled()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Read again' }).click()

  await page.getByRole('button', { name: 'Retry 13 jobs…' }).click()
  await expect(page.getByRole('dialog')).toContainText('This console keeps no archive: only jobs in Redis are meant.')
  await page.getByRole('dialog').getByRole('button', { name: 'Retry 13 jobs' }).click()
  await expect(toasts(page)).toContainText('13')
  await expect(async () => expect(await queues.waiting('orders')).toBe(13)).toPass()
  expect(await queues.failed('orders')).toBe(2)
})

test.describe('with an archive', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flux-console-errors-'))
  const file = join(folder, 'flux.sqlite')
  test.use({ consoleArgs: ['--archive', `sqlite:${file}`] })
  test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Two rows as the library writes them when a job is dead: the failure, and the false completion. */
  function died(id: string) {
    const failedAt = Date.now() - 3_600_000
    const at = new Date(failedAt).toISOString()
    const error = 'PaymentTimeout: gateway did not answer within 30000 ms'
    const job = { id, createdAt: failedAt, attempts: 3, maxAttempts: 3, error, failedAt }
    const rows = [
      [id, 'orders', 'failed', payload('orders', job), error, at, at],
      [id, 'orders', 'completed', payload('orders', { ...job, error: undefined, failedAt: undefined }), null, at, at],
    ]
    const into = 'INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at)'
    return rows.map((row) => `${into} VALUES (${row.map(text).join(', ')})`)
  }

  test('a group is retried with what only the archive remembers of it', async ({ open, queues, page }) => {
    await queues.fail('orders', make(2, 'T', () => ({ error: 'PaymentTimeout: gateway did not answer within 1 ms' })))
    await open('/errors') // the console makes the tables
    await expect(async () => write(file, ['A-1', 'A-2', 'A-3'].flatMap(died))).toPass()
    await expect(async () => {
      const { kinds } = await (await page.request.get(new URL('/api/v1/errors', page.url()).href)).json()
      expect(kinds.map((kind: { count: number }) => kind.count)).toEqual([5])
    }).toPass()
    await open('/errors')
    await page.getByRole('row', { name: /gateway did not answer within <n> ms/ }).getByRole('link').click()

    await page.getByRole('button', { name: 'Delete 2 jobs…' }).click()
    await expect(page.getByRole('dialog')).toContainText('The archive keeps its rows; retention removes them.')
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()

    await page.getByRole('button', { name: 'Retry 2 jobs…' }).click()
    const dialog = page.getByRole('dialog')
    const also = dialog.getByRole('checkbox', { name: /^Also 3 jobs that only the archive remembers \(oldest: .* UTC\)$/ })
    await expect(also).not.toBeChecked()
    await expect(dialog.getByRole('button', { name: 'Retry 2 jobs' })).toBeEnabled()
    await also.check()
    await expect(dialog.getByRole('heading')).toHaveText('Retry 5 failed jobs of orders?')
    await dialog.getByRole('button', { name: 'Retry 5 jobs' }).click()
    await expect(toasts(page)).toContainText('Retried 3 jobs of orders from the archive')
    await expect(async () => expect(await queues.waiting('orders')).toBe(5)).toPass()
    expect(await queues.failed('orders')).toBe(0)
  })
})
