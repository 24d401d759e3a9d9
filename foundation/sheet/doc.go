// Package sheet reads and writes the tables that people keep in spreadsheets:
// CSV and XLSX files whose first row names the columns.
//
// # Reading
//
// Read takes what programs save: XLSX; CSV with comma, semicolon, tab or bar,
// in UTF-8 with or without byte order mark, UTF-16 with it, or Windows-1252.
// Headings are found by their names and aliases whatever their case, spaces
// and accents; a heading that is no column is refused by name. A room turns
// the rows into its own terms and gathers what is wrong in Errors, so that
// one answer names every wrong cell.
//
// Spreadsheets change what they take for numbers. A number in a column of
// kind Text is therefore noted (its leading zeros may be gone) and refused
// once digits are certainly lost; a day in an XLSX file comes as its serial
// number and is given as ISO 8601.
//
// # Writing
//
// A text that a spreadsheet could take for a formula gets an apostrophe in
// front (Harmless), which Read takes off again (Plain): what was written and
// is read back is the same.
package sheet
