// Story: who did that?
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

test.use({ consoleArgs: ['--archive', 'off'] })

test('every action leaves a line, found by what, where and who', async ({ queues, open, page }) => {
  await queues.push('orders', make(3, 'ORD'))
  await queues.fail('orders', make(2, 'DEAD'))
  await open('/queues/orders')
  await page.request.post(new URL('/api/v1/queues/orders/jobs/retry', page.url()).href, { data: { state: 'failed', all: true } })
  await expect.poll(() => queues.failed('orders')).toBe(0)
  await confirm(page, 'Pause queue', 'Pause queue', /its \d waiting jobs, all four lists/)
  await expect(toasts(page)).toContainText('Paused orders')

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click()
  const rows = page.getByRole('table').getByRole('row')
  await expect(rows).toHaveCount(3)
  await expect(rows.nth(1)).toContainText('Pause')
  await expect(rows.nth(2)).toContainText('all failed')
  await expect(rows.nth(2)).toContainText('2 done')
  await expect(rows.nth(2)).toContainText('somebody at 127.0.0.1')

  await page.getByRole('combobox', { name: 'Action' }).selectOption('retry')
  await expect(page).toHaveURL(/verb=retry/)
  await expect(rows).toHaveCount(2)
  await page.getByRole('searchbox', { name: 'Queue' }).fill('mail')
  await page.getByRole('searchbox', { name: 'Queue' }).press('Enter')
  await expect(page).toHaveURL(/queue=mail/)
  await expect(page.getByRole('main')).toContainText('No line matches')
  await page.getByRole('link', { name: 'Clear filters' }).click()
  await expect(rows).toHaveCount(3)
})

test('what was deleted is restored from the trash', async ({ queues, open, page }) => {
  await queues.push('orders', make(3, 'ORD'))
  await queues.fail('orders', make(4, 'DEAD'))
  await open('/operations')
  await expect(page.getByRole('main')).toContainText('The trash is empty')
  const deleted = await page.request.post(new URL('/api/v1/queues/orders/clear-failed', page.url()).href, { data: {} })
  expect(deleted.status()).toBe(202)
  await expect.poll(() => queues.failed('orders')).toBe(0)

  await open('/operations')
  const restore = page.getByRole('button', { name: 'Restore 4 jobs of orders' })
  await expect(page.getByRole('main')).toContainText('4 failed jobs cleared from orders')
  await restore.click()
  await expect.poll(() => queues.failed('orders')).toBe(4)
  await expect(toasts(page)).toContainText('Restored 4')
  await expect(restore).toHaveCount(0)
  await expect(page.getByRole('main')).toContainText('The trash is empty')
})
