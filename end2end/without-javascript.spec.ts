// Story: a browser that runs no script still reads.
import { make } from './jobs'
import { expect, test } from './support'

test.use({ javaScriptEnabled: false })

test('lists and details read without JavaScript', async ({ queues, workers, page, visit }) => {
  await queues.push('orders', make(3, 'ORD'))
  await queues.fail('orders', make(60, 'DEAD'))
  await visit('/')
  await expect(page.getByRole('main')).toContainText('orders')
  await workers.start('shop-1', ['orders'])
  await workers.begin('shop-1', 'ORD-1')
  await expect(async () => {
    await visit('/logs?worker=shop-1')
    await expect(page.getByRole('main')).toContainText('Processing job: ORD-1', { timeout: 500 })
  }).toPass()
  await visit('/workers')
  await expect(page.getByRole('main')).toContainText('shop-1')
  await visit('/queues/orders?state=active')
  await expect(page.getByRole('main')).toContainText('ORD-1')
  await visit('/queues')
  await page.getByRole('link', { name: 'orders', exact: true }).click()
  await expect(page.getByRole('main')).toContainText('ORD-1')
  await page.getByRole('link', { name: /Failed/ }).first().click()
  await expect(page.getByRole('main')).toContainText('DEAD-60')
  await page.getByRole('link', { name: /next/i }).click()
  await expect(page.getByRole('main')).toContainText('DEAD-1')
  await page.getByRole('link', { name: /DEAD-1\b/ }).first().click()
  await expect(page.getByRole('main')).toContainText('PaymentTimeout')
  // Of a large payload: its size, its beginning, the download.
  await queues.fail('orders', [{ id: 'BIG', properties: { blob: 'x'.repeat(100_000) } }])
  await visit('/queues/orders/jobs/BIG')
  await expect(page.getByRole('main')).toContainText('100 kB, too much to be edited here.')
  await expect(page.getByLabel('Raw payload')).toBeVisible()
  await expect(page.getByLabel('Raw payload')).toContainText('"id":"BIG"')
  await expect(page.getByRole('link', { name: 'Download all of it' })).toBeVisible()
  await page.getByRole('link', { name: 'Raw' }).click()
  await expect(page.getByLabel('Raw payload')).toContainText('"id":"BIG"')
})
