// Connector types as drivers and fitters call them. Stations and the API use
// OCPI 2.2.1 (§8.4.5 ConnectorType) or OCPP 2.x (ConnectorEnumType) names.
const NAMES: Record<string, string> = {
  IEC_62196_T1: 'Type 1',
  IEC_62196_T1_COMBO: 'CCS 1',
  IEC_62196_T2: 'Type 2',
  IEC_62196_T2_COMBO: 'CCS 2',
  CHADEMO: 'CHAdeMO',
  TESLA_S: 'Tesla',
  TESLA_R: 'Tesla Roadster',
  DOMESTIC_E: 'Type E',
  DOMESTIC_F: 'Schuko',
  DOMESTIC_G: 'BS 1363',
  DOMESTIC_J: 'Type J',
  GBT_AC: 'GB/T AC',
  GBT_DC: 'GB/T DC',
  cCCS1: 'CCS 1',
  cCCS2: 'CCS 2',
  cChaoJi: 'ChaoJi',
  cG105: 'CHAdeMO',
  cGBT: 'GB/T DC',
  cTesla: 'Tesla',
  cType1: 'Type 1',
  cType2: 'Type 2',
  cNACS: 'NACS',
  sType2: 'Type 2',
  sType3: 'Type 3',
  sBS1361: 'BS 1361',
  sCEE_7_7: 'Schuko',
}

/** A connector type's everyday name, or the type itself when it has none. */
export const connectorName = (type: string | undefined): string | undefined => (type ? (NAMES[type] ?? type) : undefined)
