// Story: jobs do not run, and nobody knows why. The doctor says it, and mends what is safe.
import { make } from './jobs'
import { expect, test, toasts } from './support'

test('a finding says what it means, and its fix says what it did', async ({ queues, redis, open }) => {
  await queues.push('orders', make(2, 'ORD'))
  await redis.lPush('queue:orders:urgent', [1, 2, 3].map((n) => JSON.stringify({ id: `U-${n}`, data: JSON.stringify({ class: 'A', properties: { queueName: 'orders' } }) })))
  await queues.worker('w-1', ['orders'])
  await redis.set('queue:orders:high:paused', '1')
  await redis.lPush('queue:odd:failed', 'not json')
  const page = await open('/settings')
  const doctor = page.getByRole('region', { name: 'Doctor' })
  const findings = doctor.getByRole('list', { name: 'Findings' })
  const urgent = findings.getByRole('listitem').filter({ hasText: 'orders:urgent, which no worker reads' })
  await expect(urgent).toContainText('3 jobs wait in orders:urgent')
  await expect(urgent).toContainText('critical, high and low')
  await expect(findings).toContainText('orders is paused in part')
  await expect(findings).toContainText('1 payload in queue:odd:failed cannot be read')
  await doctor.getByText('What was checked').click()
  await expect(doctor.getByRole('list', { name: 'Checks' })).toContainText('Clock of Redis')
  await page.screenshot({ path: 'end2end/report/shots/doctor-light.png', fullPage: true })

  await urgent.getByRole('button', { name: 'Move 3 jobs to orders…' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('Move 3 jobs to orders?')
  await expect(dialog).toContainText('payloads unchanged')
  await page.screenshot({ path: 'end2end/report/shots/doctor-fix.png' })
  await dialog.getByRole('button', { name: 'Move 3 jobs to orders' }).click()
  await expect(dialog).toBeHidden()
  await expect(toasts(page)).toContainText('3 jobs went from orders:urgent to orders')
  expect(await redis.lLen('queue:orders')).toBe(5)
  // The list is looked at again by itself once it is counted anew.
  await expect(async () => {
    await doctor.getByRole('button', { name: 'Check again' }).click()
    await expect(findings).not.toContainText('which no worker reads', { timeout: 1_500 })
  }).toPass()
  await findings.getByRole('button', { name: 'Resume orders…' }).click()
  await dialog.getByRole('button', { name: 'Resume orders' }).click()
  await expect(dialog).toBeHidden()
  await expect.poll(() => redis.exists('queue:orders:high:paused')).toBe(0)
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.reload()
  await expect(findings).toContainText('queue:odd:failed')
  await page.screenshot({ path: 'end2end/report/shots/doctor-dark.png', fullPage: true })
  await page.setViewportSize({ width: 390, height: 844 })
  await page.screenshot({ path: 'end2end/report/shots/doctor-phone.png', fullPage: true })
})

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false })
  test('findings read', async ({ queues, redis, visit }) => {
    await queues.push('orders', make(1, 'ORD'))
    await redis.set('queue:orders:high:paused', '1')
    const page = await visit('/settings')
    await expect(page.getByRole('region', { name: 'Doctor' })).toContainText('orders is paused in part')
    await expect(page.getByRole('button', { name: 'Check again' })).toBeHidden()
  })
})
