export { ReservationsPage } from './ReservationsPage'
export { ReservationList } from './ReservationList'
export { PortReservation, useReservations } from './PortReservation'
export { ReserveButton } from './ReserveDialog'
