// Story: the frame on a small window and a phone; what stays in sight; what is read aloud.
import { make } from './jobs'
import { expect, test, toasts } from './support'

test('under 1100 px the sidebar is icons, and still leads everywhere', async ({ queues, open, page }) => {
  await queues.push('orders', make(1, 'ORD'))
  await open('/')
  const side = page.getByRole('complementary', { name: 'Sidebar' })
  await expect(side.getByText('Queues', { exact: true })).toBeVisible()
  await page.setViewportSize({ width: 1000, height: 800 })
  await expect(side.getByText('Queues', { exact: true })).toBeHidden()
  expect((await side.boundingBox())!.width).toBeLessThanOrEqual(57)
  await side.getByTitle('Queues').click()
  await expect(page).toHaveURL(/\/queues$/)
})

test('on a phone the menu is a drawer that closes behind what was chosen', async ({ queues, open, page }) => {
  await queues.push('orders', make(1, 'ORD'))
  await page.setViewportSize({ width: 390, height: 844 })
  await open('/')
  await expect(page.getByRole('complementary', { name: 'Sidebar' })).toBeHidden()
  const opener = page.getByRole('button', { name: 'Menu' })
  const drawer = page.getByRole('dialog', { name: 'Menu' })
  await opener.click()
  await expect(drawer).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(drawer).toBeHidden()
  await expect(opener).toBeFocused()
  await opener.click()
  await drawer.getByRole('link', { name: /^Queues/ }).click()
  await expect(page).toHaveURL(/\/queues$/)
  await expect(drawer).toBeHidden()
})

test('headers stay in sight, and what happened is read aloud', async ({ queues, open, page }) => {
  // More than a window holds, and fewer than what an alert speaks up about.
  await queues.fail('orders', make(45, 'DEAD'))
  await open('/queues/orders?state=failed&perPage=200')
  await page.getByRole('checkbox', { name: 'Select DEAD-1', exact: true }).scrollIntoViewIfNeeded()
  const header = page.getByRole('columnheader', { name: 'Attempts' })
  await expect(header).toBeInViewport({ ratio: 1 })
  // Not merely somewhere in the window: below the bar and the toolbar, with nothing over it.
  const onTop = await header.evaluate((el) => {
    const { x, y, width, height } = el.getBoundingClientRect()
    return el.contains(document.elementFromPoint(x + width / 2, y + height / 2))
  })
  expect(onTop).toBe(true)
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-45' })).not.toBeInViewport()

  const live = toasts(page).locator('[aria-live="polite"]')
  await expect(live).toHaveText('')
  await page.getByRole('button', { name: 'Pause queue' }).click()
  await expect(live).toContainText('Paused orders')
})
