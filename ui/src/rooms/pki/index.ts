export { CertificatesPage } from './CertificatesPage'
export { CertificateTable } from './CertificateTable'
export { Installed } from './Installed'
export { RequestTable } from './RequestTable'
