// Story: a job every night, without touching the application.
import { expect, test, toasts } from './support'

const job = JSON.stringify({
  id: 'nightly', type: 'class', className: 'SendReport',
  data: JSON.stringify({ class: 'SendReport', properties: { queueName: 'reports' } }),
  createdAt: 1795432831124, attempts: 0,
})

async function register(redis: any, id: string, cron: string, next: number, more: Record<string, string> = {}) {
  await redis.hSet(`queue:schedule:${id}`, { id, cron, queue: 'reports', job, enabled: 'true', nextRun: String(next), ...more })
  await redis.zAdd('queue:schedules', { score: next, value: id })
}

test('add, run now, turn off, edit, delete, restore', async ({ redis, open, page }) => {
  await open('/')
  await page.keyboard.press('g')
  await page.keyboard.press('s')
  const main = page.getByRole('main')
  await expect(main).toContainText('No schedules')
  await page.getByRole('link', { name: 'Add schedule' }).click()
  await page.getByLabel('Id', { exact: true }).fill('nightly')
  await page.getByLabel('Cron').fill('61 3 * * *')
  await expect(main).toContainText('minute: 61 is not within 0 to 59')
  await page.getByLabel('Cron').fill('30 3 * * 1-5')
  await expect(main).toContainText('At 03:30, Monday to Friday')
  await expect(main.locator('form ol li')).toHaveCount(5)
  await page.getByRole('textbox', { name: 'Queue' }).fill('reports')
  await page.getByLabel('Or begin with a class').fill('SendReport')
  await page.getByRole('button', { name: 'Write a job of this class' }).click()
  await expect(page.getByLabel('Job', { exact: true })).toHaveValue(/"className":"SendReport"/)
  await page.getByRole('button', { name: 'Add schedule' }).click()
  await expect(toasts(page)).toContainText('Saved nightly')

  const row = page.getByRole('row', { name: /nightly/ })
  await expect(row).toContainText('At 03:30, Monday to Friday')
  await row.getByRole('button', { name: 'Run nightly now' }).click()
  await expect(toasts(page)).toContainText('Pushed the job of nightly')
  expect(await redis.lLen('queue:reports')).toBe(1)
  await row.getByRole('button', { name: 'Turn nightly off' }).click()
  await expect(row).toContainText('Off')
  expect(await redis.hGet('queue:schedule:nightly', 'enabled')).toBe('false')

  await row.getByRole('link', { name: 'nightly' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('nightly')
  await page.getByRole('heading', { name: 'Edit' }).click()
  await page.getByLabel('Cron').fill('0 9 * * 5L')
  await expect(main).toContainText('At 09:00, on the last Friday of the month')
  await page.getByRole('button', { name: 'Save schedule' }).click()
  await expect(toasts(page)).toContainText('Saved nightly')
  await expect.poll(() => redis.hGet('queue:schedule:nightly', 'cron')).toBe('0 9 * * 5L')

  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete schedule' }).click()
  await expect(main).toContainText('The schedule nightly was deleted')
  expect(await redis.exists('queue:schedule:nightly')).toBe(0)
  await page.getByRole('button', { name: 'Restore' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('nightly')
  expect(await redis.hGet('queue:schedule:nightly', 'cron')).toBe('0 9 * * 5L')
})

test('somebody else saved first: the form says so and nothing is lost', async ({ redis, open, page, expectedErrors }) => {
  expectedErrors.push(/409/)
  await register(redis, 'nightly', '0 3 * * *', Date.now() + 3_600_000)
  await open('/schedules/nightly')
  await page.getByRole('heading', { name: 'Edit' }).click()
  await page.getByLabel('Cron').fill('0 5 * * *')
  await redis.hSet('queue:schedule:nightly', 'cron', '0 4 * * *')
  await expect(page.getByRole('heading', { name: 'Every day at 04:00' })).toBeVisible({ timeout: 10_000 })
  await expect(page.getByLabel('Cron')).toHaveValue('0 5 * * *')
  await page.getByRole('button', { name: 'Save schedule' }).click()
  await expect(page.getByRole('main')).toContainText('was changed by somebody else')
  expect(await redis.hGet('queue:schedule:nightly', 'cron')).toBe('0 4 * * *')
})

test('what is due runs, and what is broken says why', async ({ redis, open, page }) => {
  await register(redis, 'soon', '0 0 1 1 *', Date.now() + 1_000)
  await register(redis, 'broken', '0 24 * * *', Date.now() - 1_000)
  await open('/schedules')
  await expect.poll(() => redis.lLen('queue:reports'), { timeout: 15_000 }).toBe(1)
  await expect(page.getByRole('row', { name: /broken/ })).toContainText('hour: 24 is not within 0 to 23')
  await expect(page.getByRole('main')).toContainText('The console runs due schedules. Times are UTC.')
})

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false })

  test('the list, a schedule and the preview can be read', async ({ redis, visit, page }) => {
    await register(redis, 'nightly', '30 9 * * 1-5', Date.now() + 3_600_000)
    await visit('/schedules')
    await expect(page.getByRole('main')).toContainText('At 09:30, Monday to Friday')
    await page.getByRole('link', { name: 'nightly' }).click()
    await expect(page.getByRole('main')).toContainText('Next runs')
    await page.getByRole('link', { name: 'Schedules' }).first().click()
    await page.getByRole('link', { name: 'Add schedule' }).click()
    await page.getByLabel('Cron').fill('0 9 * * 1#2')
    await page.getByRole('button', { name: 'Show what it would do' }).click()
    await expect(page.getByRole('main')).toContainText('At 09:00, on the second Monday of the month')
  })
})
