// Every kind of input, key and output, each of them optional, in one global window.
package main

import "bifocal"

type Thing struct {
	Boolean   bifocal.Opt[bool]
	Integer   bifocal.Opt[int64]
	Float     bifocal.Opt[float64]
	Text      bifocal.Opt[string]
	Binary    bifocal.Opt[bifocal.Binary]
	Timestamp bifocal.Opt[bifocal.Timestamp]
	Decimal   bifocal.Opt[bifocal.Decimal3] `path:"inner.decimal"`
	JSON      bifocal.Opt[bifocal.JSON]     `path:"/inner/a~1b/0"`
	Time      bifocal.Timestamp             `path:"@time"`
	Offset    int64                         `path:"@offset"`
}

type Parts struct {
	Boolean   bifocal.Opt[bool]
	Integer   bifocal.Opt[int64]
	Text      bifocal.Opt[string]
	Binary    bifocal.Opt[bifocal.Binary]
	Timestamp bifocal.Opt[bifocal.Timestamp]
	Decimal   bifocal.Opt[bifocal.Decimal3]
}

type Last8 struct {
	LastBoolean   bifocal.Last[bool]
	LastInteger   bifocal.Last[int64]
	LastFloat     bifocal.Last[float64]
	LastText      bifocal.Last[string]
	LastBinary    bifocal.Last[bifocal.Binary]
	LastTimestamp bifocal.Last[bifocal.Timestamp]
	LastDecimal   bifocal.Last[bifocal.Decimal3]
	LastJSON      bifocal.Last[bifocal.JSON]
}

var transform = bifocal.Export(bifocal.Transform[Thing, Parts, Last8]{
	Name:    "kinds",
	Summary: "The last value of every kind, by a key of every kind.",
	Time:    "at",
	Fold:    fold,
})

func fold(thing *Thing, out *bifocal.Cells[Parts, Last8]) error {
	cell := out.Cell(Parts{thing.Boolean, thing.Integer, thing.Text, thing.Binary, thing.Timestamp, thing.Decimal})
	see(&cell.LastBoolean, thing, thing.Boolean)
	see(&cell.LastInteger, thing, thing.Integer)
	see(&cell.LastFloat, thing, thing.Float)
	see(&cell.LastText, thing, thing.Text)
	see(&cell.LastBinary, thing, thing.Binary)
	see(&cell.LastTimestamp, thing, thing.Timestamp)
	see(&cell.LastDecimal, thing, thing.Decimal)
	see(&cell.LastJSON, thing, thing.JSON)
	return nil
}

func see[V bifocal.Value](last *bifocal.Last[V], thing *Thing, value bifocal.Opt[V]) {
	if v, ok := value.Get(); ok {
		last.See(thing.Time, thing.Offset, v)
	}
}

func main() {}
