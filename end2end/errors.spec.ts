// Story: many jobs fail for one reason; that kind is found and retried as a group, the others stay.
import { make } from './jobs'
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
  await page.getByRole('button', { name: 'Retry 12 jobs…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Retry 12 jobs' }).click()
  await expect(toasts(page)).toContainText('12')
  await expect(async () => expect(await queues.waiting('orders')).toBe(12)).toPass()
  expect(await queues.failed('orders')).toBe(2)
})
