package tariff

import (
	"fmt"
	"strings"
)

// Language of a rendered text: "en", "fr" or "de". Anything else reads as "en".
type Language string

const (
	English Language = "en"
	French  Language = "fr"
	German  Language = "de"
)

// phrase is a text with %s places, the same ones in each language.
type phrase struct{ en, fr, de string }

func (p phrase) in(l Language, args ...any) string {
	s := p.en
	switch l {
	case French:
		s = p.fr
	case German:
		s = p.de
	}
	if len(args) == 0 {
		return s
	}
	for i, a := range args {
		if f, ok := a.(figure); ok {
			args[i] = f.in(l)
		}
	}
	return fmt.Sprintf(s, args...)
}

// figure is a number with its unit, written with a decimal point: "0.54 EUR".
type figure string

// in writes the figure as the language's readers do: "0,54 EUR".
func (f figure) in(l Language) string {
	if l == French || l == German {
		return strings.ReplaceAll(string(f), ".", ",")
	}
	return string(f)
}

var (
	textFree      = phrase{"Free of charge", "Gratuit", "Kostenlos"}
	textNone      = phrase{"No tariff", "Aucun tarif", "Kein Tarif"}
	textEnergy    = phrase{"energy %s", "énergie %s", "Energie %s"}
	textTime      = phrase{"charging time %s", "temps de charge %s", "Ladezeit %s"}
	textParking   = phrase{"time connected without charging %s", "temps de branchement sans charge %s", "Standzeit ohne Laden %s"}
	textFlat      = phrase{"start fee %s", "frais de démarrage %s", "Startgebühr %s"}
	textReserved  = phrase{"reservation %s", "réservation %s", "Reservierung %s"}
	textExpired   = phrase{"unused reservation %s", "réservation non utilisée %s", "nicht genutzte Reservierung %s"}
	textPerKWh    = phrase{"%s per kWh", "%s par kWh", "%s je kWh"}
	textPerHour   = phrase{"%s per hour", "%s par heure", "%s je Stunde"}
	textOtherwise = phrase{"otherwise %s", "sinon %s", "sonst %s"}
	textSteps     = phrase{"billed in steps of %s", "facturé par tranches de %s", "abgerechnet in Schritten von %s"}
	textAtLeast   = phrase{"at least %s", "au moins %s", "mindestens %s"}
	textAtMost    = phrase{"at most %s", "au plus %s", "höchstens %s"}
	textWithVAT   = phrase{"including VAT", "TVA comprise", "inklusive Mehrwertsteuer"}
	textWithTax   = phrase{"including taxes", "taxes comprises", "inklusive Steuern"}
	textPlusTax   = phrase{"plus taxes", "hors taxes", "zuzüglich Steuern"}

	textBetween  = phrase{"from %s to %s", "de %s à %s", "von %s bis %s"}
	textFrom     = phrase{"from %s on", "à partir de %s", "ab %s"}
	textUntil    = phrase{"until %s", "jusqu'à %s", "bis %s"}
	textBefore   = phrase{"before %s", "avant le %s", "vor dem %s"}
	textSince    = phrase{"since %s", "depuis le %s", "seit dem %s"}
	textFirst    = phrase{"up to %s", "jusqu'à %s", "bis %s"}
	textAbove    = phrase{"beyond %s", "au-delà de %s", "ab %s"}
	textPowerMin = phrase{"at %s or more", "à %s ou plus", "ab %s Leistung"}
	textPowerMax = phrase{"below %s", "en dessous de %s", "unter %s"}

	textUsed      = phrase{"%s used", "%s utilisés", "%s genutzt"}
	textOnce      = phrase{"once", "une fois", "einmal"}
	textAlways    = phrase{"no restriction", "sans restriction", "ohne Einschränkung"}
	textElement   = phrase{"element %s of the tariff", "élément %s du tarif", "Element %s des Tarifs"}
	textStep      = phrase{"a total of %s is rounded up to %s (steps of %s)", "un total de %s est arrondi à %s (tranches de %s)", "insgesamt %s werden auf %s aufgerundet (Schritte von %s)"}
	textStepHere  = phrase{"; the difference is billed here", " ; la différence est facturée ici", "; die Differenz steht hier"}
	textMinimum   = phrase{"raised to the minimum price", "porté au prix minimum", "auf den Mindestpreis angehoben"}
	textMaximum   = phrase{"limited to the maximum price", "limité au prix maximum", "auf den Höchstpreis begrenzt"}
	textGrace     = phrase{"the first %s of parking are free", "les premières %s de stationnement sont gratuites", "die ersten %s Standzeit sind frei"}
	textQuiet     = phrase{"parking is free %s", "le stationnement est gratuit %s", "Standzeit ist frei %s"}
	textWaits     = phrase{"parking costs something only while others wait", "le stationnement n'est facturé que si d'autres attendent", "Standzeit kostet nur, solange andere warten"}
	textNoWaiting = phrase{"nobody waited", "personne n'attendait", "niemand wartete"}
	textIdleCap   = phrase{"parking at most %s", "stationnement au plus %s", "Standzeit höchstens %s"}
	textIdleCut   = phrase{"parking is limited to %s", "le stationnement est limité à %s", "Standzeit ist auf %s begrenzt"}
	textDayCap    = phrase{"at most %s per day", "au plus %s par jour", "höchstens %s pro Tag"}
	textDayCut    = phrase{"limited to %s per day", "limité à %s par jour", "auf %s pro Tag begrenzt"}
	textFailed    = phrase{"no start fee below %s and %s", "pas de frais de démarrage en dessous de %s et %s", "keine Startgebühr unter %s und %s"}
	textFailedWas = phrase{"the start failed: below %s and %s", "le démarrage a échoué : moins de %s et %s", "der Start misslang: unter %s und %s"}
	textAllowance = phrase{"%s free %s", "%s gratuits %s", "%s frei %s"}
	textForGroups = phrase{"for %s", "pour %s", "für %s"}
	textCash      = phrase{"rounded to %s", "arrondi à %s", "gerundet auf %s"}
	textSoCMin    = phrase{"from a battery of %s on", "à partir d'une batterie à %s", "ab einem Ladestand von %s"}
	textSoCMax    = phrase{"up to a battery of %s", "jusqu'à une batterie à %s", "bis zu einem Ladestand von %s"}
	textRatedMin  = phrase{"at EVSEs of %s or more", "sur les points de %s ou plus", "an Ladepunkten ab %s"}
	textRatedMax  = phrase{"at EVSEs below %s", "sur les points de moins de %s", "an Ladepunkten unter %s"}
	textOnDay     = phrase{"on %s", "le %s", "am %s"}

	textPer = map[Per]phrase{
		PerSession: {"per session", "par session", "pro Ladevorgang"}, PerDay: {"per day", "par jour", "pro Tag"},
		PerMonth: {"per month", "par mois", "pro Monat"}, PerPlan: {"with the plan", "avec l'abonnement", "mit dem Abo"},
	}

	textOnlyReser = phrase{"while reserved", "pendant la réservation", "während der Reservierung"}
	textOnlyExpir = phrase{"when the reservation expires unused", "si la réservation expire", "wenn die Reservierung verfällt"}
)

var weekdayNames = map[Language][7]string{
	English: {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
	French:  {"lun", "mar", "mer", "jeu", "ven", "sam", "dim"},
	German:  {"Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"},
}

// weekdays writes a set of days (Monday first) as runs: "Mon–Fri, Sun".
func weekdays(days [7]bool, l Language) string {
	names, ok := weekdayNames[l]
	if !ok {
		names = weekdayNames[English]
	}
	var out []string
	for i := 0; i < 7; i++ {
		if !days[i] {
			continue
		}
		j := i
		for j+1 < 7 && days[j+1] {
			j++
		}
		switch {
		case j == i:
			out = append(out, names[i])
		case j == i+1:
			out = append(out, names[i], names[j])
		default:
			out = append(out, names[i]+"–"+names[j])
		}
		i = j
	}
	return strings.Join(out, ", ")
}
