// Story: to a queue and back on every way there is, without loading the page anew.
import { make } from './jobs'
import { expect, test } from './support'

const there = 'the queue page'

for (const paused of [false, true]) {
  test(`${there} opens from the list and from the palette${paused ? ' while live updates are paused' : ''}`, async ({ queues, open }) => {
    await queues.push('orders', make(3, 'ORD'))
    await queues.push('mail', make(2, 'MAIL'))
    const page = await open('/operations')
    if (paused) await page.getByRole('button', { name: 'Live' }).click()
    for (const name of ['Workers', 'Logs', 'Overview', 'Queues']) {
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: new RegExp(`^${name}`) }).click()
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    }
    await page.getByRole('link', { name: 'orders' }).first().click()
    await expect(page).toHaveURL(/\/queues\/orders/)
    await expect(page.getByText('ORD-3')).toBeVisible()
    await expect(page.getByRole('button', { name: 'Pause queue' })).toBeVisible()

    await page.keyboard.press('Control+k')
    await expect(page.getByRole('dialog').locator('input')).toBeFocused()
    await page.keyboard.type('mail')
    await page.keyboard.press('Enter')
    await expect(page).toHaveURL(/\/queues\/mail/)
    await expect(page.getByRole('main').getByText('MAIL-2')).toBeVisible()
    await page.goBack()
    await expect(page.getByText('ORD-3')).toBeVisible()
  })
}

test('a queue that is not there yet appears when a job is pushed', async ({ queues, open }) => {
  await queues.push('orders', make(1, 'ORD'))
  const page = await open('/queues/late')
  await expect(page.getByText('There is no queue late')).toBeVisible()
  await queues.push('late', make(2, 'LATE'))
  await expect(page.getByRole('button', { name: 'Pause queue' })).toBeVisible()
  await expect(page.getByText('LATE-2')).toBeVisible({ timeout: 10_000 })
})
