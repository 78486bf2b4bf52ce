// Story: a delayed job should run now.
import { make } from './jobs'
import { confirm, expect, test, toasts } from './support'

test('a delayed job runs now', async ({ queues, redis, open }) => {
  await queues.delay('mail', make(2, 'LATER'))
  const page = await open('/queues/mail?state=delayed')
  await page.getByRole('link', { name: /LATER-1/ }).first().click()
  await page.getByRole('button', { name: /^Run now|^Run job now/ }).click()
  await expect(toasts(page)).toContainText('Job LATER-1 is waiting in mail')
  expect(await queues.waiting('mail')).toBe(1)
  expect(await redis.zCard('queue:mail:delayed')).toBe(1)
})

test('a job that is due is left to the worker', async ({ queues, redis, open }) => {
  await queues.worker('w-1', ['mail'])
  await queues.delay('mail', make(1, 'DUE'), -5_000)
  const page = await open('/queues/mail?state=delayed')
  await page.getByRole('checkbox', { name: 'Select DUE-1' }).check()
  await confirm(page, 'Run 1 job now…', /^Run 1 job/, /What is due already, or in a moment, is left to the workers\./)
  await expect(toasts(page)).toContainText('1 is due: a worker takes it next.')
  expect(await redis.zCard('queue:mail:delayed')).toBe(1)
})

test('without a worker, a job that is due runs now as well', async ({ queues, redis, open }) => {
  await queues.delay('mail', make(1, 'DUE'), -5_000)
  const page = await open('/queues/mail?state=delayed')
  await page.getByRole('checkbox', { name: 'Select DUE-1' }).check()
  await confirm(page, 'Run 1 job now…', /^Run 1 job/, /No worker serves mail, so what is due already is included\./)
  await expect.poll(() => queues.waiting('mail')).toBe(1)
  expect(await redis.zCard('queue:mail:delayed')).toBe(0)
})

test('due jobs stand where they will run, ahead of their list', async ({ queues, open }) => {
  await queues.push('mail', make(1, 'VIP'), 'high')
  await queues.push('mail', make(2, 'ORD'))
  await queues.delay('mail', make(22, 'DUE'), -60_000)
  const page = await open('/queues/mail')
  const rows = page.locator('tbody tr')
  await expect(rows).toHaveCount(24) // one, twenty, a sentence, two
  await expect(rows.nth(0)).toContainText('VIP-1')
  await expect(rows.nth(1)).toContainText('DUE-1')
  await expect(rows.nth(1).getByText('due', { exact: true })).toBeVisible()
  await expect(rows.nth(20)).toContainText('DUE-20')
  await expect(rows.nth(21)).toContainText('2 more delayed jobs are due and run before the waiting ones of the base list.')
  await expect(rows.nth(22)).toContainText('ORD-1')
  // They are no waiting jobs: neither counted nor selected as such.
  await expect(rows.nth(22).getByRole('cell').nth(2)).toHaveText('2')
  await page.getByRole('checkbox', { name: 'Select page' }).check()
  await expect(page.getByText('3 jobs selected')).toBeVisible()
  await page.keyboard.press('Escape')
  // The sentence spans no column that a width does not show: the header still goes from edge to edge.
  for (const width of [390, 1024, 1440]) {
    await page.setViewportSize({ width, height: 900 })
    const short = await page.getByRole('table', { name: 'waiting jobs of mail' }).evaluate((table: HTMLTableElement) => {
      const ends = [...table.tHead!.rows[0].cells].map((cell) => cell.getBoundingClientRect().right)
      return table.getBoundingClientRect().right - Math.max(...ends)
    })
    expect.soft(Math.abs(short), `at ${width}`).toBeLessThan(2)
  }

  await rows.nth(1).getByRole('link').click()
  await expect(page).toHaveURL(/\/jobs\/DUE-1/)
  await expect(page.getByRole('button', { name: /^Run now|^Run job now/ })).toBeVisible()
})
