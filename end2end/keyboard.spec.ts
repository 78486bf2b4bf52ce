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

test('/ filters, j and k move, Enter opens, Esc goes back', async ({ queues, open }) => {
  await queues.fail('orders', make(5, 'DEAD'))
  const page = await open('/queues')
  await page.keyboard.press('/')
  await expect(page.getByRole('searchbox', { name: 'Filter queues by name' })).toBeFocused()
  // In a field a key is a letter.
  await page.keyboard.type('gojkrx?')
  await expect(page.getByRole('searchbox', { name: 'Filter queues by name' })).toHaveValue('gojkrx?')
  await expect(page).toHaveURL(/\/queues\?q=/)
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/queues$/)
  // Esc at once, before the pause in typing that the filter waits for.
  await page.keyboard.press('/')
  await page.keyboard.type('or')
  await page.keyboard.press('Escape')
  await page.waitForTimeout(400)
  await expect(page).toHaveURL(/\/queues$/)
  await expect(page.getByRole('searchbox', { name: 'Filter queues by name' })).toHaveValue('')

  await open('/queues/orders?state=failed')
  const focused = page.locator('tr:has(:focus)')
  for (const [key, row] of [['j', 'DEAD-5'], ['j', 'DEAD-4'], ['j', 'DEAD-3'], ['k', 'DEAD-4']]) {
    await page.keyboard.press(key)
    await expect(focused).toContainText(row)
  }
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/jobs\/DEAD-4/)
  await expect(page.getByRole('button', { name: 'Retry job' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/queues\/orders\?state=failed/)
  for (const [key, url] of [['o', /:\d+\/$/], ['q', /\/queues$/], ['e', /\/errors$/], ['f', /\/search$/], ['s', /\/schedules$/], ['w', /\/workers$/], ['a', /\/alerts$/]] as const) {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await expect(page).toHaveURL(url)
  }
  // A dialog has the keys for itself.
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toContainText('g s')
  await page.keyboard.press('g')
  await page.keyboard.press('q')
  await expect(page).toHaveURL(/\/alerts$/)
})

test('Esc goes back to the list as it was left', async ({ queues, open }) => {
  await queues.fail('orders', make(60, 'DEAD'))
  const page = await open('/queues/orders?state=failed&page=2&perPage=20')
  await page.getByRole('checkbox').nth(3).waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/jobs\/DEAD-/)
  await page.getByRole('link', { name: 'Raw', exact: true }).click()
  await expect(page).toHaveURL(/view=raw/)
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/queues\/orders\?state=failed&page=2&perPage=20$/)
  // From elsewhere it leads to the list as the job's page knows it.
  await open('/queues/orders/jobs/DEAD-1')
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/queues\/orders\?state=failed$/)
})

test('r retries in a filtered table too', async ({ queues, open }) => {
  await queues.fail('orders', make(3, 'DEAD'))
  const page = await open('/queues/orders?state=failed&q=gateway')
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-3' })).toBeVisible()
  await page.keyboard.press('j')
  await page.keyboard.press('r')
  await expect(page.getByRole('dialog')).toContainText('Retry 1 failed job of orders?')
  await page.keyboard.press('Escape')
  await page.getByRole('checkbox', { name: 'Select DEAD-1' }).check()
  await page.getByRole('checkbox', { name: 'Select DEAD-2' }).check()
  await page.keyboard.press('r')
  await page.getByRole('dialog').getByRole('button', { name: 'Retry 2 jobs' }).click()
  await expect.poll(() => queues.waiting('orders')).toBe(2)
})

test('the palette leads to every page', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/')
  for (const [name, url] of [['Errors', /\/errors$/], ['Settings', /\/settings$/]] as const) {
    await page.keyboard.press('Control+k')
    await page.keyboard.type(name)
    await expect(page.getByRole('option', { selected: true })).toContainText(name)
    await page.keyboard.press('Enter')
    await expect(page).toHaveURL(url)
  }
})

test('what is typed into the palette before its choices have come counts', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/')
  await page.route(/split_palette.*\.wasm$/, async (route) => {
    await new Promise((done) => setTimeout(done, 1_000))
    await route.continue()
  })
  await page.keyboard.press('Control+k')
  await page.keyboard.type('se')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter') // Queues has no "se": Search, then Settings
  await expect(page).toHaveURL(/\/settings$/)
  await expect(page.getByRole('dialog')).toHaveCount(0)
})
