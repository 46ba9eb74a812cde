// The nonce of the page: the server's policy takes no style without it.
export const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''
