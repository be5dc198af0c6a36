package main

import (
	"slices"
	"time"
)

const (
	defaultHint = time.Minute
	// In turn, each page is asked twice as often as GitHub asks for.
	hintsPerTurn  = 2
	reserve       = 5
	minimumWeight = 1.0 / 8
	weightGain    = 0.3
	knownTarget   = 0.05
)

// pace holds the intervals between two requests of a page: the plan of POLL_INTERVAL, within what is left of GitHub's
// limit (CONTRACT.md, section 4).
type pace struct {
	plan          plan
	fixedInterval time.Duration
	hint          time.Duration
	weights       [2]float64
}

func newPace(s settings) *pace {
	return &pace{plan: s.plan, fixedInterval: s.pollInterval, hint: defaultHint, weights: [2]float64{1, 1}}
}

// learn takes from a good answer what changes the pace; known: the share of its recent events sent before.
func (p *pace) learn(page int, a *answer, known float64, comparable bool) {
	if hint, ok := a.number("X-Poll-Interval"); ok && hint > 0 {
		p.hint = seconds(hint)
	}
	if comparable {
		weight := &p.weights[group(page)]
		*weight = min(max(*weight*(1+weightGain*(knownTarget-known)), minimumWeight), 1)
	}
}

// baseInterval returns the interval that the plan asks for, whatever the limit.
func (p *pace) baseInterval() time.Duration {
	switch p.plan {
	case inTurn:
		return p.hint / hintsPerTurn
	case polite:
		return p.hint
	}
	return p.fixedInterval
}

// interval returns the interval that the plan and the limit allow.
func (p *pace) interval(page int, a *answer) time.Duration {
	return max(p.baseInterval(), p.budget(page, a))
}

// schedule makes the pages due one after the other if they take turns, the one that has just answered last.
func (p *pace) schedule(all []*page, last *page) {
	if p.plan != inTurn {
		return
	}
	others := slices.DeleteFunc(slices.Clone(all), func(other *page) bool { return !other.takesTurns || other == last })
	slices.SortStableFunc(others, func(a, b *page) int { return a.due.Compare(b.due) })
	for i, other := range append(others, last) {
		other.due = last.started.Add(time.Duration(i+1) * last.interval / time.Duration(len(pageNumbers)))
	}
}

// budget returns the interval with which the rest of the limit lasts for all pages.
func (p *pace) budget(page int, a *answer) time.Duration {
	longest := a.resetIn() + time.Second
	if p.plan == inTurn {
		return time.Duration(len(pageNumbers)) * min(a.timePerRequest(reserve), longest)
	}
	sum := 0.0
	for _, number := range pageNumbers {
		sum += p.weights[group(number)]
	}
	return min(time.Duration(sum/p.weights[group(page)]*float64(a.timePerRequest(0))), longest)
}

// group returns which weight is a page's: pages 2 and 3 share one, as they are two parts of one list.
func group(page int) int {
	return min(page, 2) - 1
}
