// Writing in the console: by form and by YAML, tried before it is saved, beside others who write, and never lost.

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, addViewer, findingsOf, grace, hasChromium, ours, signIn } from './browser.ts'

describe.skipIf(!hasChromium)('writing in the console', { timeout: 180_000 }, () => {
  const opened = useConsole(({ yard }) => addViewer(yard))
  const { visit } = opened

  const project = (name: string, description?: string) =>
    opened.yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'Project',
      metadata: { name, workspace: 'default', ...(description !== undefined && { description }) },
      spec: {},
    })
  const read = (kind: string, name: string) => opened.yard.api.get(kind, { workspace: 'default', name })

  async function choose(page: Page, label: string, option: string) {
    await page.getByLabel(label, { exact: true }).click()
    await page.locator('.ant-select-item-option').getByText(option, { exact: true }).click()
  }

  test('a route is made by the form, with what the server adds shown before', async () => {
    const { page, complaints } = await visit('/console/routes', { as: ada })
    await page.getByRole('button', { name: 'New route' }).click()
    await page.getByLabel('Name', { exact: true }).fill('by-form')
    await choose(page, 'Workspace', 'default')
    await page.getByLabel('Names', { exact: true }).fill('public-name')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Add' }).last().click()
    await page.getByRole('group', { name: 'Targets' }).getByRole('button', { name: 'Add' }).click()
    await choose(page, 'Endpoint', opened.yard.facts.model)
    expect(await findingsOf(page)).toEqual([])
    // What was filled in is the YAML, and what is written there is the form.
    await page.getByRole('tab', { name: 'YAML' }).click()
    await page.locator('.cm-content').getByText('public-name').waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('tab', { name: 'Form' }).click()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('by-form')
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByText('strategy: weighted').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'by-form' }).waitFor()
    expect(await read('Route', 'by-form')).toMatchObject({
      spec: { names: ['public-name'], tiers: [{ targets: [{ endpoint: opened.yard.facts.model }] }] },
    })
    await page.getByRole('tab', { name: 'Related' }).click()
    await page.getByRole('link', { name: `default/${opened.yard.facts.model}` }).waitFor()
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('in the YAML, what is wrong is said where it stands: by the reader at once, by the server on its line', async () => {
    const { page, complaints } = await visit(`/console/endpoints/default/${opened.yard.facts.model}/edit`, {
      as: ada,
    })
    await page.getByRole('tab', { name: 'YAML' }).click()
    const editor = page.locator('.cm-content')
    await editor.waitFor()
    const text = (replicas: string) =>
      `apiVersion: switchyard.dev/v1\nkind: Endpoint\nmetadata:\n  name: ${opened.yard.facts.model}\n  workspace: default\nspec:\n  model:\n    name: ${opened.yard.facts.model}\n  replicas: ${replicas}`
    const write = async (next: string) => {
      await editor.click()
      await page.keyboard.press('ControlOrMeta+a')
      // Chromium itself writes styles into what is typed over a selection, and the page's policy refuses them.
      await page.keyboard.press('Delete')
      await page.keyboard.insertText(next)
    }
    await write(text('1: 2: 3'))
    await page
      .getByText(/^Line \d+:/)
      .first()
      .waitFor()
    expect(await page.getByRole('button', { name: 'Review' }).isDisabled()).toBe(true)
    await write(text('-4'))
    await page.getByRole('button', { name: 'Review' }).click()
    await page.locator('.cm-lintRange-error').getByText('replicas').waitFor()
    await page.getByRole('tab', { name: 'Form' }).click()
    await page.locator('.ant-form-item-has-error').getByText('Replicas').waitFor()
    await page.getByLabel('Replicas', { exact: true }).fill('1')
    await page.getByLabel('Drain seconds', { exact: true }).fill('77')
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByText('drainSeconds: 77').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('tab', { name: 'Summary' }).waitFor()
    expect(await read('Endpoint', opened.yard.facts.model)).toMatchObject({ spec: { drainSeconds: 77 } })
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('whoever was overtaken sees both versions and puts theirs on top', async () => {
    await project('shared')
    const { page } = await visit('/console/projects/default/shared/edit', { as: ada })
    await page.getByLabel('Display name', { exact: true }).fill('Ours')
    await opened.yard.api.patch(
      'Project',
      { workspace: 'default', name: 'shared' },
      { metadata: { description: 'theirs' } },
    )
    await page.getByRole('button', { name: 'Review' }).click()
    const dialog = page.getByRole('dialog', { name: 'Changed meanwhile' })
    await dialog.getByText('Both can be kept').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    await dialog.getByRole('button', { name: 'Put mine on top' }).click()
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'Ours' }).waitFor()
    expect(await read('Project', 'shared')).toMatchObject({
      metadata: { displayName: 'Ours', description: 'theirs' },
    })
    await page.close()
  })

  test('a session that ends over a half-filled form loses nothing of it, and leaving asks', async () => {
    const { page } = await visit('/console/projects/new', { as: ada })
    await page.getByLabel('Name', { exact: true }).fill('half-filled')
    await choose(page, 'Workspace', 'default')
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    const { baseUrl, adminToken } = opened.yard.facts
    const ended = await fetch(`${baseUrl}/api/v1/users/ada/sessions`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${adminToken}` },
    })
    expect(ended.ok).toBe(true)
    // What is asked for without a session waits for the next one, whether the page knows already or not.
    await page.getByRole('button', { name: 'Review' }).dispatchEvent('click')
    await page.locator('input[autocomplete=current-password]').fill(ada.password)
    await page.locator('.ant-modal button[type=submit]').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'half-filled' }).waitFor()
    await page.close()
  })

  test('a secret is written, shown as set, kept when left empty, and never comes back', async () => {
    const { page } = await visit('/console/credentials/new', { as: ada })
    await page.getByLabel('Name', { exact: true }).first().fill('sealed')
    await choose(page, 'Workspace', 'default')
    await page.locator('input[type=password]').first().fill('not-to-be-seen')
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByText('never shown').waitFor()
    expect(await page.getByRole('dialog').textContent()).not.toContain('not-to-be-seen')
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'sealed' }).waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.locator('input[placeholder="Set. Leave empty to keep it."]').waitFor()
    expect(await page.content()).not.toContain('not-to-be-seen')
    await page.close()
  })

  test('deleting asks for the name, names what depends on it, and takes several at once', async () => {
    for (const name of ['one', 'other', 'third']) await project(name)
    const { page, complaints } = await visit(`/console/endpoints/default/${opened.yard.facts.model}`, {
      as: ada,
    })
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByText('Delete these too').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.goto(`${opened.yard.facts.baseUrl}/console/projects/default/third`)
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('third')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL('**/console/projects')
    for (const name of ['one', 'other'])
      await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).click()
    await page.getByText('2 selected').waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('2')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    for (const name of ['one', 'other', 'third'])
      await page.getByRole('link', { name, exact: true }).waitFor({ state: 'detached' })
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('a price book that publishes itself when it is saved asks for its name, and why; what publishes nothing does not', async () => {
    const { page, complaints } = await visit('/console/pricebooks/new', { as: ada })
    await page.getByRole('tab', { name: 'YAML' }).click()
    const editor = page.locator('.cm-content')
    const write = async (spec: string) => {
      await editor.click()
      await page.keyboard.press('ControlOrMeta+a')
      await page.keyboard.press('Delete')
      await page.keyboard.insertText(
        `apiVersion: switchyard.dev/v1\nkind: PriceBook\nmetadata: { name: at-once }\nspec: { side: sale, currency: EUR, from: "2036-01-01T00:00:00Z", ${spec} }`,
      )
    }
    const rates = (price: string) => `rates: [{ model: "*", unit: req, price: "${price}" }]`
    const review = async (verb: string) => {
      await page.getByRole('button', { name: 'Review' }).click()
      await page.getByRole('dialog', { name: 'What will be different' }).waitFor()
      await page.getByRole('dialog').getByRole('button', { name: verb }).click()
    }
    const edit = async () => {
      await page.getByRole('button', { name: 'Edit' }).click()
      await page.getByRole('tab', { name: 'YAML' }).click()
    }
    const asked = page.getByRole('dialog', { name: 'Publish at-once?' })
    const version = async () =>
      (await opened.yard.api.get('PriceBook', { name: 'at-once' })).status as object | undefined
    await write(rates('1'))
    await review('Create')
    await asked.getByText('Saving publishes version 1').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    const publish = asked.getByRole('button', { name: 'Save and publish' })
    expect(await publish.isDisabled()).toBe(true)
    // Back to what will be different: nothing was saved.
    await asked.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await expect(version()).rejects.toThrow('There is no PriceBook at-once')
    await asked.getByRole('textbox').fill('at-once')
    await publish.click()
    await page.getByRole('heading', { level: 1, name: 'at-once' }).waitFor()
    expect(await version()).toMatchObject({ version: 1 })
    await edit()
    await write(`publish: on_request, ${rates('2')}`)
    await review('Save')
    await page.getByRole('button', { name: 'Undo' }).waitFor()
    expect(await version()).toMatchObject({ version: 1 })
    await edit()
    await write(`publish: on_write, ${rates('2')}`)
    await review('Save')
    await asked.getByText('Saving publishes version 2').waitFor()
    await asked.getByRole('textbox').fill('at-once')
    await publish.click()
    await page.getByText('at-once is saved.').last().waitFor()
    // What is final is not offered to be turned back.
    await expect.poll(() => page.getByRole('button', { name: 'Undo' }).count(), { timeout: 20_000 }).toBe(0)
    expect(await version()).toMatchObject({ version: 2 })
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('an edit is turned back from its message, and what somebody else has changed since is left as it is', async () => {
    await project('turned')
    const { page, complaints } = await visit('/console/projects/default/turned', { as: ada })
    const rename = async (name: string) => {
      await page.keyboard.press('e')
      await page.getByLabel('Display name', { exact: true }).fill(name)
      await page.getByRole('button', { name: 'Review' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
      await page.getByRole('heading', { level: 1, name }).waitFor()
    }
    await page.getByRole('button', { name: 'Edit' }).waitFor()
    await rename('Once')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('It is as it was.').waitFor()
    expect(await read('Project', 'turned')).not.toHaveProperty('metadata.displayName')
    await page.getByRole('heading', { level: 1, name: 'turned' }).waitFor()
    await rename('Twice')
    await opened.yard.api.patch(
      'Project',
      { workspace: 'default', name: 'turned' },
      { metadata: { displayName: 'Theirs' } },
    )
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('has changed it since').waitFor()
    expect(await read('Project', 'turned')).toMatchObject({ metadata: { displayName: 'Theirs' } })
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('several are labelled at once and turned back, and what fails is named', async () => {
    for (const name of ['left', 'right']) await project(name)
    const { page } = await visit('/console/projects', { as: ada })
    const select = async () => {
      for (const name of ['left', 'right'])
        await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check()
    }
    const label = async (key: string) => {
      await page.getByRole('button', { name: 'Label', exact: true }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Label', { exact: true }).fill(key)
      await dialog.getByLabel('Value', { exact: true }).fill('web')
      expect(await findingsOf(page, '.ant-modal')).toEqual([])
      await dialog.getByRole('button', { name: 'Label', exact: true }).click()
    }
    await select()
    await label('team')
    await page.getByText('Label: 2 items are done.').waitFor()
    expect(await read('Project', 'right')).toMatchObject({ metadata: { labels: { team: 'web' } } })
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('2 items are as they were.').waitFor()
    expect(await read('Project', 'right')).not.toHaveProperty('metadata.labels.team')
    await select()
    await label('not a label!')
    const failed = page.getByRole('dialog').getByRole('alert')
    await failed.getByText('2 could not be done:').waitFor()
    expect(await failed.textContent()).toMatch(/left.*right/)
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
    await page.close()
  })

  test('what is done to several is stopped after the one that is under way, and says how many are as they were', async () => {
    for (const name of ['first', 'second', 'last']) await project(name)
    const { page, complaints } = await visit('/console/projects', { as: ada })
    for (const name of ['first', 'second', 'last'])
      await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check()
    const begun = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    await page.route('**/api/v1/workspaces/default/projects/*', async route => {
      begun.resolve()
      await released.promise
      await route.continue()
    })
    await page.getByRole('button', { name: 'Label', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Label', { exact: true }).fill('stopped')
    await dialog.getByLabel('Value', { exact: true }).fill('here')
    await dialog.getByRole('button', { name: 'Label', exact: true }).click()
    await begun.promise
    await dialog.getByText('0 of 3').waitFor()
    await dialog.getByRole('button', { name: 'Stop' }).click()
    released.resolve()
    await dialog.getByText('Stopped after 1. 2 are as they were.').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    const labels = async (name: string) => (await read('Project', name)).metadata.labels ?? {}
    const all = await Promise.all(['first', 'second', 'last'].map(labels))
    expect(all.filter(one => one.stopped === 'here')).toHaveLength(1)
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    expect(ours(complaints)).toEqual([])
    await page.unrouteAll()
    await page.close()
  })

  test('several keys are rotated by typing how many, show their new secrets once, and one is rotated without an overlap by typing its name', async () => {
    const { baseUrl } = opened.yard.facts
    for (const name of ['left-key', 'right-key'])
      await opened.yard.api.create({
        apiVersion: 'switchyard.dev/v1',
        kind: 'ApiKey',
        metadata: { name, workspace: 'default' },
        spec: { owner: { kind: 'User', name: 'ada' }, scopes: ['inference:call'] },
      })
    const status = async (secret: string) =>
      (await fetch(`${baseUrl}/v1/models`, { headers: { authorization: `Bearer ${secret}` } })).status
    const { page, complaints } = await visit('/console/apikeys', { as: ada })
    for (const name of ['left-key', 'right-key'])
      await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check()
    await page.getByRole('button', { name: 'Rotate', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Old secrets go on working for a day.').waitFor()
    const rotate = dialog.getByRole('button', { name: 'Rotate', exact: true })
    expect(await rotate.isDisabled()).toBe(true)
    await dialog.getByRole('textbox').fill('2')
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    await rotate.click()
    await page.getByText('Keep these secrets now').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    const secrets = await page.getByRole('dialog').locator('td code').allTextContents()
    expect(new Set(secrets).size).toBe(2)
    for (const secret of secrets) await expect.poll(() => status(secret), { timeout: 30_000 }).toBe(200)
    await page.getByRole('button', { name: 'I have kept it' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    for (const secret of secrets) expect(await page.content()).not.toContain(secret)

    await page.getByRole('link', { name: 'left-key', exact: true }).click()
    await page.getByRole('button', { name: 'Rotate…' }).click()
    const asked = page.getByRole('dialog', { name: 'Rotate left-key' })
    await asked.getByRole('combobox').click()
    await page.locator('.ant-select-item-option').getByText('Not at all', { exact: true }).click()
    const now = asked.getByRole('button', { name: 'Rotate', exact: true })
    expect(await now.isDisabled()).toBe(true)
    await asked.getByRole('textbox', { name: 'left-key' }).fill('left-key')
    await now.click()
    const shown = page.getByRole('figure', { name: 'API key' }).locator('pre')
    await shown.waitFor()
    const newest = (await shown.textContent()) ?? ''
    await expect.poll(() => status(newest), { timeout: 30_000 }).toBe(200)
    await expect
      .poll(async () => Promise.all(secrets.map(status)).then(all => new Set(all)), { timeout: 30_000 })
      .toEqual(new Set([200, 401]))
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('a project is looked at, in lists and in links, until all of them are again', async () => {
    for (const name of ['looked-at', 'other-one']) await project(name)
    await opened.yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'ServiceAccount',
      metadata: { name: 'of-it', workspace: 'default', project: 'looked-at' },
      spec: {},
    })
    await opened.yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'ServiceAccount',
      metadata: { name: 'of-none', workspace: 'default' },
      spec: {},
    })
    const { page, complaints } = await visit('/console/serviceaccounts', { as: ada })
    await page.getByRole('link', { name: 'of-none' }).waitFor()
    expect(await page.getByRole('button', { name: /^Project:/ }).count()).toBe(0)
    await page.getByRole('button', { name: /^Workspace:/ }).click()
    await page.locator('.ant-select-item-option').getByText('default', { exact: true }).click()
    await page.getByRole('button', { name: 'Project: All projects' }).click()
    await page.locator('.ant-select-item-option').getByText('looked-at', { exact: true }).click()
    await page.getByRole('link', { name: 'of-none' }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'of-it' }).waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.locator('nav a').getByText('Requests', { exact: true }).click()
    await page.waitForURL('**/console/requests?in=default%2Flooked-at')
    await page.goBack()
    await page.getByText('Only what is in the project looked-at.').waitFor()
    const link = new URL(page.url())
    // In a browser that has chosen nothing yet.
    const other = await visit(link.pathname + link.search)
    await signIn(other.page)
    await other.page.getByText('Only what is in the project looked-at.').waitFor()
    await other.page.getByRole('button', { name: 'Show all projects' }).click()
    await other.page.getByRole('link', { name: 'of-none' }).waitFor()
    await other.page.waitForURL(url => url.search === '')
    expect([...ours(complaints), ...ours(other.complaints)]).toEqual([])
    await other.page.context().close()
    await page.evaluate("localStorage.removeItem('switchyard.preferences')")
    await page.close()
  })

  test('on a short screen the navigation shows where one is', async () => {
    const { page } = await visit('/console/settings', { as: ada })
    const isSeen = async (name: string) => {
      const entry = page.locator('nav .ant-menu-item-selected').filter({ hasText: name })
      await entry.waitFor()
      // 420 px high, of which the header takes 53.
      await expect
        .poll(async () => {
          const box = await entry.boundingBox()
          return box !== null && box.y >= 53 && box.y + box.height <= 420
        })
        .toBe(true)
    }
    await page.setViewportSize({ width: 1280, height: 420 })
    await page.reload()
    await isSeen('Settings')
    await page.locator('header').getByRole('link').click()
    await isSeen('Overview')
    await page.goBack()
    await isSeen('Settings')
    await page.close()
  })

  test('the palette makes one of what is named and switches, and it and the list of keys have no finding of axe', async () => {
    const { page, complaints } = await visit('/console', { as: ada })
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Go to or do' }).fill('create project')
    await page.getByRole('option', { name: 'Create project', exact: true }).waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'New project' }).waitFor()
    await page.goto(`${opened.yard.facts.baseUrl}/console/projects`)
    const button = page.getByRole('button', { name: 'New project' })
    await button.waitFor()
    expect(await button.getAttribute('aria-keyshortcuts')).toBe('c')
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('Create one of what is listed').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.keyboard.press('c')
    await page.getByRole('heading', { level: 1, name: 'New project' }).waitFor()
    const viewer = await visit('/console', { as: grace })
    await viewer.page.keyboard.press('Control+k')
    await viewer.page.getByRole('combobox', { name: 'Go to or do' }).fill('project')
    await viewer.page.getByRole('option', { name: 'Projects' }).waitFor()
    expect(await viewer.page.getByRole('option', { name: /^Create/ }).count()).toBe(0)
    expect(ours(complaints)).toEqual([])
    await viewer.page.close()
    await page.close()
  })
})
