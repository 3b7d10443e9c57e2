// Every order-free algebra of the SDK over the same readings, by key and hour.
package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"bifocal"
)

type Reading struct {
	Key    string
	N      bifocal.Opt[int64]
	D      bifocal.Opt[bifocal.Decimal2]
	F      bifocal.Opt[float64]
	T      bifocal.Opt[string]
	Refuse bifocal.Opt[bool]
	Time   bifocal.Timestamp `path:"@time"`
	Offset int64             `path:"@offset"`
}

type Key struct{ Key string }

type Algebras struct {
	Count      bifocal.Count
	SumN       bifocal.Sum[int64]
	SumD       bifocal.Sum[bifocal.Decimal2]
	MinN       bifocal.Min[int64]
	MaxN       bifocal.Max[int64]
	MinD       bifocal.Min[bifocal.Decimal2]
	MaxD       bifocal.Max[bifocal.Decimal2]
	MinF       bifocal.Min[float64]
	MaxF       bifocal.Max[float64]
	MinT       bifocal.Min[string]
	MaxT       bifocal.Max[string]
	MeanN      bifocal.Mean[int64]
	MeanD      bifocal.Mean[bifocal.Decimal2]
	First      bifocal.First[string]
	Last       bifocal.Last[string]
	Last3      bifocal.LastN[string, [3]int] `name:"last_3"`
	Top3       bifocal.TopK[string, [3]int]  `name:"top_3"`
	SetT       bifocal.Set[string]
	SetN       bifocal.Set[int64]
	MapT       bifocal.Map[string, bifocal.Count]
	MapN       bifocal.Map[int64, bifocal.Sum[bifocal.Decimal2]]
	DistinctT  bifocal.Distinct[string]
	DistinctN  bifocal.Distinct[int64]
	QuantilesN bifocal.Quantiles[int64]
	QuantilesD bifocal.Quantiles[bifocal.Decimal2]
	QuantilesF bifocal.Quantiles[float64]
	ExactF     bifocal.ExactSum
}

var transform = bifocal.Export(bifocal.Transform[Reading, Key, Algebras]{
	Name:    "algebras",
	Summary: "Every order-free algebra, by key and hour.",
	Window:  bifocal.Tumbling(time.Hour),
	Time:    "at",
	Fold:    fold,
})

func fold(r *Reading, out *bifocal.Cells[Key, Algebras]) error {
	cell := out.Cell(Key{r.Key})
	cell.Count.Add(1)
	n, hasN := r.N.Get()
	d, hasD := r.D.Get()
	if hasN {
		cell.SumN.Add(n)
		cell.MinN.See(n)
		cell.MaxN.See(n)
		cell.MeanN.Add(n)
		cell.SetN.Add(n)
		cell.DistinctN.Add(n)
		cell.QuantilesN.Add(n)
	}
	if hasD {
		cell.SumD.Add(d)
		cell.MinD.See(d)
		cell.MaxD.See(d)
		cell.MeanD.Add(d)
		cell.QuantilesD.Add(d)
	}
	if hasN && hasD {
		cell.MapN.Entry(n).Add(d)
	}
	if f, ok := r.F.Get(); ok {
		if refuse, said := r.Refuse.Get(); said && !refuse {
			f *= math.Inf(1) // what JSON cannot hold: infinities, and NaN of 0
		}
		cell.MinF.See(f)
		cell.MaxF.See(f)
		cell.QuantilesF.Add(f)
		cell.ExactF.Add(f)
	}
	if t, ok := r.T.Get(); ok {
		cell.MinT.See(t)
		cell.MaxT.See(t)
		cell.First.See(r.Time, r.Offset, t)
		cell.Last.See(r.Time, r.Offset, t)
		cell.Last3.Push(r.Time, r.Offset, t)
		cell.Top3.Add(t)
		cell.SetT.Add(t)
		cell.MapT.Entry(t).Add(1)
		cell.DistinctT.Add(t)
	}
	// Too late on purpose: all of the above must be undone.
	if r.Refuse.Or(false) {
		shown := "absent"
		if hasN {
			shown = strconv.FormatInt(n, 10)
		}
		return fmt.Errorf("refused: n is %s", shown)
	}
	return nil
}

func main() {}
