// Story: no mouse.
import { make } from './jobs'
import { expect, test, toasts } from './support'

test('from the overview to a retried job with keys alone', async ({ queues, open }) => {
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/')
  await page.keyboard.press('g')
  await page.keyboard.press('q')
  await expect(page).toHaveURL(/\/queues$/)

  await open('/queues/orders?state=failed')
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-3' })).toBeChecked()
  await page.keyboard.press('r')
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
  expect(await queues.waiting('orders')).toBe(0)
  await page.keyboard.press('r')
  await page.keyboard.press('Enter')
  await expect(toasts(page)).toContainText(/waiting in orders|Retried 1 job of orders/)
  await expect.poll(() => queues.waiting('orders')).toBe(1)
})

test('the skip link comes first and focus is visible', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/queues')
  await page.keyboard.press('Tab')
  const focused = page.locator(':focus')
  await expect(focused).toHaveText(/skip to/i)
  await expect(focused).toBeInViewport()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await expect(page.locator('main :focus')).toHaveCount(1)
})

test('a dialog keeps the focus and gives it back', async ({ queues, open }) => {
  await queues.fail('orders', make(2, 'DEAD'))
  const page = await open('/queues/orders?state=failed')
  const opener = page.getByRole('button', { name: /^Retry 2 failed jobs/ })
  await opener.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toBeVisible()
  for (let i = 0; i < 6; i += 1) {
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest('dialog'))).toBe(true)
  }
  await page.keyboard.press('Escape')
  await expect(opener).toBeFocused()
})

test('? lists the keys', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/')
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toContainText('Keyboard')
})
