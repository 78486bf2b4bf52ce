// Story: the frame on a small window and a phone; what stays in sight; what is read aloud.
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

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
  await confirm(page, 'Pause queue', 'Pause queue', /No job waits in it now/)
  await expect(live).toContainText('Paused orders')
})

test('on a phone jobs begin on the first screen, and nothing stands beside it', async ({ queues, open, page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await queues.push('orders', make(1_200, 'ORD'))
  await queues.delay('orders', make(1_100, 'LATER'))
  await open('/queues/orders')
  await expect(page.getByRole('link', { name: /ORD-1$/ })).toBeInViewport()
  // The charts are there when they are wanted, and always where there is room.
  const chart = page.getByRole('region', { name: 'Throughput' })
  const opener = page.getByText('Charts', { exact: true })
  const windows = page.getByRole('navigation', { name: 'Time window' })
  await expect(chart).toBeHidden()
  await expect(windows).toBeHidden()
  await opener.click()
  await expect(chart).toBeVisible()
  await expect(windows).toBeVisible()
  await opener.click()
  await expect(chart).toBeHidden()
  await page.setViewportSize({ width: 1440, height: 900 })
  await expect(chart).toBeVisible()
  await expect(opener).toBeHidden()
  await page.setViewportSize({ width: 390, height: 844 })
  // Order and filter share a line; so do the number of jobs and the pages, at the foot of the list.
  const line = (name: string) => page.locator(name).evaluate((el) => el.getBoundingClientRect().height)
  expect(await line('.toolbar')).toBeLessThan(60)
  expect(await line('.pager')).toBeLessThan(60)
  await expect(page.locator('.pager')).not.toBeInViewport()

  await confirm(page, /^Pause/, 'Pause queue', /Workers stop taking its 1,200 waiting jobs/)
  await expect(toasts(page).getByText('Paused orders').first()).toBeVisible()
  const rights = await toasts(page).locator('.toast').evaluateAll((all) => all.map((el) => el.getBoundingClientRect().right))
  expect(Math.max(...rights)).toBeLessThanOrEqual(390)
  // What is said of the queue stands beside its name.
  const [name, badge] = await Promise.all([page.getByRole('heading', { level: 1 }), page.locator('.head .badge').first()].map((el) => el.boundingBox()))
  expect(badge!.x - name!.x - name!.width).toBeLessThan(20)

  // The row of states is wider than the screen.
  await open('/queues/orders?state=completed')
  await expect(page.getByRole('navigation', { name: 'States' }).getByRole('link', { name: 'Archive' })).toBeInViewport({ ratio: 0.9 })
})

test('a table ends at the gutter on every width, whatever its last column is', async ({ queues, workers, open, page }) => {
  await queues.push('orders', make(2, 'ORD'))
  await queues.fail('orders', make(2, 'DEAD'))
  await open('/')
  await workers.start('shop-1', ['orders'])
  for (const [path, name] of [['/workers', 'Workers'], ['/errors', 'Errors by kind'], ['/queues/orders?state=failed', 'failed jobs of orders']]) {
    await open(path)
    const table = page.getByRole('table', { name, exact: true })
    await expect(table).toBeVisible()
    for (const [width, gutter] of [[390, 16], [800, 24], [1024, 24], [1440, 24]]) {
      await page.setViewportSize({ width, height: 900 })
      const ends = await table.evaluate((table: HTMLTableElement) =>
        [table.tHead!.rows[0], table.tBodies[0].rows[0]].map((row) => {
          const shown = [...row.cells].filter((cell) => cell.offsetWidth > 0)
          return parseFloat(getComputedStyle(shown[shown.length - 1]).paddingRight)
        }),
      )
      expect.soft(ends, `${name} at ${width}`).toEqual([gutter, gutter])
    }
  }
})

test('the column of groups is there when a job has one, and an error can be read whole', async ({ queues, open, page }) => {
  await queues.fail('orders', make(2, 'DEAD'))
  await open('/queues/orders?state=failed')
  const header = page.getByRole('columnheader', { name: 'Group' })
  await expect(page.getByRole('columnheader', { name: 'Error' })).toBeVisible()
  await expect(header).toBeHidden()
  const error = 'PaymentTimeout: gateway did not answer within 30000 ms'
  await expect(page.getByRole('row').filter({ hasText: 'DEAD-1' }).getByTitle(error)).toBeVisible()
  await queues.fail('orders', make(1, 'TENANT', () => ({ groupId: 'tenant-7' })))
  await expect(header).toBeVisible()
  await expect(page.getByRole('cell', { name: 'tenant-7' })).toBeVisible()
})
