// The frame around every screen: where one is, in which workspace, and as whom.
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Button, Dropdown, Layout, Menu } from 'antd'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCatalogue, useMay } from '../api/catalogue.ts'
import { groupOf, groups, titleOf } from '../kinds/names.ts'
import { usePreferences } from '../preferences.ts'
import { useSession, useStanding } from '../session/context.tsx'
import { useArrival } from './arrival.ts'
import { MenuIcon, PersonIcon } from './icons.tsx'
import { Keys } from './keys.tsx'
import { Mark } from './mark.tsx'
import { usePlaceInAddress } from './place.ts'
import { type Screen, screens } from './screens.ts'
import { Loading } from './states.tsx'
import { LanguageSwitch, ThemeSwitch } from './switches.tsx'
import { WorkspaceSwitch } from './workspace-switch.tsx'

const ProjectSwitch = lazy(() => import('./project-switch.tsx'))
const Drawer = lazy(async () => ({ default: (await import('antd/es/drawer')).default }))

/** The chosen entry is seen, where the entries are more than the screen is high; what is seen already stays where it is. */
function reveal(nav: HTMLElement | null): void {
  const entry = nav?.querySelector('.ant-menu-item-selected')?.getBoundingClientRect()
  const box = [nav, nav?.parentElement].find(one => one && one.scrollHeight > one.clientHeight)
  if (!entry || !box) return
  const { top, bottom } = box.getBoundingClientRect()
  if (entry.top < top || entry.bottom > bottom) box.scrollTop += entry.top - top - box.clientHeight / 2
}

function Navigation({ onGo }: { readonly onGo?: () => void }) {
  const { t } = useTranslation()
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  const may = useMay()
  const path = useRouterState({ select: state => state.location.pathname })
  const go = onGo && { onClick: onGo }
  const visible = screens.filter(({ permission }) => permission === undefined || may(permission))
  const entryOf = ({ to, title }: Screen) => ({
    key: to.slice(1),
    label: (
      <Link to={to} {...go}>
        {t(`screens.${title}`)}
      </Link>
    ),
  })
  const readable = catalogue.filter(kind => may(`${kind.noun}:read`))
  const grouped = groups.flatMap(group => {
    const children = [
      ...visible.filter(screen => screen.group === group).map(entryOf),
      ...readable
        .filter(kind => groupOf(kind) === group)
        .map(kind => ({
          key: kind.plural,
          label: (
            <Link to="/$plural" params={{ plural: kind.plural }} {...go}>
              {titleOf(kind, language)}
            </Link>
          ),
        })),
    ]
    return children.length === 0
      ? []
      : [{ key: `group ${group}`, type: 'group' as const, label: t(`groups.${group}`), children }]
  })
  const items = [...visible.filter(screen => screen.group === undefined).map(entryOf), ...grouped]
  const chosen = path.split('/')[1] ?? ''
  const nav = useRef<HTMLElement>(null)
  // What is known of kinds comes after the first entries, and moves the others.
  const { length } = readable
  useEffect(() => reveal(nav.current), [chosen, length])
  return (
    <nav ref={nav} aria-label={t('shell.menu')}>
      <Menu mode="inline" items={items} selectedKeys={[chosen]} />
    </nav>
  )
}

function Account() {
  const { t } = useTranslation()
  const session = useSession()
  const standing = useStanding()
  const person = 'person' in standing ? standing.person : undefined
  const signOut = async () => {
    await session.signOut()
    // Nothing of theirs stays in memory.
    location.reload()
  }
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          { key: 'who', label: person?.email ?? '', disabled: true },
          { key: 'account', label: <Link to="/account">{t('shell.account')}</Link> },
          { key: 'out', label: t('shell.signOut'), onClick: () => void signOut() },
        ],
      }}
    >
      <Button type="text" icon={<PersonIcon />} aria-label={t('shell.account')}>
        <span className="wide">{person?.displayName || person?.name}</span>
      </Button>
    </Dropdown>
  )
}

export function Shell() {
  const { t } = useTranslation()
  const may = useMay()
  const [isOpen, setOpen] = useState(false)
  const [wasOpened, setOpened] = useState(false)
  const { workspace } = usePreferences()
  useArrival()
  usePlaceInAddress()
  return (
    <Layout className="shell">
      <a className="skip" href="#content">
        {t('shell.skip')}
      </a>
      <Layout.Header className="header">
        <Button
          className="narrow"
          type="text"
          icon={<MenuIcon />}
          aria-label={t('shell.menu')}
          onClick={() => {
            setOpened(true)
            setOpen(true)
          }}
        />
        <Link to="/">
          <Mark />
        </Link>
        {may('workspace:read') && <WorkspaceSwitch />}
        {workspace !== '' && may('project:read', workspace) && (
          <Suspense>
            <ProjectSwitch />
          </Suspense>
        )}
        <span className="spring" />
        <Keys />
        <LanguageSwitch />
        <ThemeSwitch />
        <Account />
      </Layout.Header>
      <Layout>
        <Layout.Sider className="wide-block" width={220}>
          <Navigation />
        </Layout.Sider>
        {wasOpened && (
          <Suspense>
            <Drawer open={isOpen} onClose={() => setOpen(false)} placement="left" title={<Mark />}>
              <Navigation onGo={() => setOpen(false)} />
            </Drawer>
          </Suspense>
        )}
        <Layout.Content id="content" className="content" tabIndex={-1}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </Layout.Content>
      </Layout>
    </Layout>
  )
}
