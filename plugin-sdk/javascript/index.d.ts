/** Write Bifocal transforms in JavaScript and TypeScript: see README.md. */

/** A kind of value: how it reaches an author, its canonical bytes, its order and its JSON. */
export interface Kind<T> {
  /** One that may be absent: `undefined`. In an event: a field that is not required. */
  optional(): Kind<T | undefined>;
  /** One that is found elsewhere in an event than under its own name: dotted names, a JSON Pointer, `@offset` and so on. */
  at(path: string): Kind<T>;
  readonly isOptional: boolean;
  /** Never there: tells kinds of one value from those of another. */
  readonly holds?: T;
}

export const boolean: Kind<boolean>;
/** A whole number exact as a number; an event with one beyond 2^53 - 1 is rejected. */
export const int: Kind<number>;
export const int8: Kind<number>;
export const int16: Kind<number>;
export const int32: Kind<number>;
export const uint8: Kind<number>;
export const uint16: Kind<number>;
export const uint32: Kind<number>;
/** All 64 bits. */
export const int64: Kind<bigint>;
export const uint64: Kind<bigint>;
/** A double. Every NaN is one and above all; -0 is below 0. */
export const float: Kind<number>;
/** Ordered by its UTF-8 bytes. */
export const text: Kind<string>;
export const binary: Kind<Uint8Array>;
/** Milliseconds since 1970-01-01T00:00Z. */
export const timestamp: Kind<number>;
/** The same with all 64 bits. */
export const timestamp64: Kind<bigint>;
/** An exact decimal number with so many digits after the point, 0 to 18: a whole number of units of 10^-digits. */
export function decimal(digits: number): Kind<bigint>;
/** The text of one JSON value as it stands in the payload. */
export const json: Kind<string>;
/** Several values as one. */
export function tuple<T extends unknown[]>(...kinds: { [I in keyof T]: Kind<T[I]> }): Kind<T>;
/** The event's time, as the host fixed it. */
export const eventTime: Kind<number>;
/** The event's place in the log. */
export const eventOffset: Kind<number>;

type Kinds = Record<string, Kind<any>>;
/** What kinds under names hold. */
export type Values<K> = { [N in keyof K]: K[N] extends Kind<infer T> ? T : never };

/** Events of several types, told apart by the text at `tag`; all others are ignored. */
export interface OneOf<Tag extends string, V extends Record<string, Kinds>> {
  readonly tag: Tag;
  readonly variants: V;
}
export function oneOf<const Tag extends string, V extends Record<string, Kinds>>(tag: Tag, variants: V): OneOf<Tag, V>;

/** An event as `fold` sees it. The object is filled anew for each event: keep its values, not itself. */
export type EventOf<E> = E extends OneOf<infer Tag, infer V>
  ? { [Type in keyof V]: Readonly<Values<V[Type]> & Record<Tag, Type>> }[keyof V]
  : Readonly<Values<E>>;

/** A part of a state; `S` is what a cell has of it. */
export interface Part<S> {
  readonly orderFree: boolean;
  readonly anchored: boolean;
  readonly makes?: S;
}
type Parts = Record<string, Part<any>>;
export type States<P> = { readonly [N in keyof P]: P[N] extends Part<infer S> ? S : never };

export interface Count {
  /** Counts one, or so many. */
  add(times?: number | bigint): void;
  get(): number;
  exact(): bigint;
}
export function count(): Part<Count>;

export interface Sum<T> {
  add(value: T): void;
  /** Takes back what was added. */
  subtract(value: T): void;
  /** Throws if the sum does not fit the kind. */
  get(): T;
  /** In units, of 128 bits. */
  exact(): bigint;
}
export function sum<T extends number | bigint>(kind: Kind<T>): Part<Sum<T>>;

export interface ExactSum {
  add(value: number): void;
  /** The nearest double; undefined beyond the greatest. */
  get(): number | undefined;
}
export function exactSum(): Part<ExactSum>;

export interface Mean<T> {
  add(value: T): void;
  get(): number | undefined;
  count(): number;
}
export function mean<T extends number | bigint>(kind: Kind<T>): Part<Mean<T>>;

export interface Single<T> {
  see(value: T): void;
  get(): T | undefined;
}
export function min<T>(kind: Kind<T>): Part<Single<T>>;
export function max<T>(kind: Kind<T>): Part<Single<T>>;
export function firstSeen<T>(kind: Kind<T>): Part<Single<T>>;
export function lastSeen<T>(kind: Kind<T>): Part<Single<T>>;

export interface ByTime<T> {
  /** `time` and `offset` are the event's: the inputs `eventTime` and `eventOffset`. */
  see(time: number, offset: number, value: T): void;
  get(): T | undefined;
  time(): number | undefined;
  offset(): number | undefined;
}
export function first<T>(kind: Kind<T>): Part<ByTime<T>>;
export function last<T>(kind: Kind<T>): Part<ByTime<T>>;

export interface LastN<T> {
  push(time: number, offset: number, value: T): void;
  readonly size: number;
  /** The last one first. */
  values(): T[];
}
export function lastN<T>(kind: Kind<T>, n?: number): Part<LastN<T>>;

export interface DistinctSet<T> {
  add(value: T): void;
  has(value: T): boolean;
  readonly size: number;
  /** In their order. */
  values(): T[];
  /** As a JSON list, for an output of kind `json`. */
  list(): string;
}
export function set<T>(kind: Kind<T>): Part<DistinctSet<T>>;

export interface StateMap<K, S> {
  /** The state of `key`; a fresh one if the key is new. */
  entry(key: K): S;
  get(key: K): S | undefined;
  readonly size: number;
  /** In the order of the keys. */
  list(): [K, S][];
}
export function map<K, S>(kind: Kind<K>, part: Part<S>): Part<StateMap<K, S>>;

export interface TopK<T> {
  add(value: T, times?: number | bigint): void;
  count(value: T): bigint;
  readonly distinct: number;
  list(): [T, bigint][];
  /** Most frequent first. */
  top(): [T, bigint][];
}
export function topK<T>(kind: Kind<T>, k?: number): Part<TopK<T>>;

export interface Distinct<T> {
  add(value: T): void;
  estimate(): number;
}
export function distinct<T>(kind: Kind<T>, bits?: number): Part<Distinct<T>>;

export interface Quantiles<T> {
  add(value: T, times?: number | bigint): void;
  count(): bigint;
  quantile(q: number): T | undefined;
  bounds(q: number): [T, T] | undefined;
}
export function quantiles<T extends number | bigint>(kind: Kind<T>, bits?: number): Part<Quantiles<T>>;

/** Several parts as one: what a key of a `map` has. */
export function parts<P extends Parts>(members: P): Part<States<P>>;

/** Canonical bytes of what a machine keeps or takes. Kinds and parts are codecs, too. */
export interface Codec<T> {
  readonly codes?: T;
  initial(): T;
}
type AnyCodec = Codec<any> | Kind<any> | Part<any>;
type Coded<C> = C extends Kind<infer T> ? T : C extends Part<infer S> ? S : C extends Codec<infer T> ? T : never;
type CodedMembers<M> = { [N in keyof M]: Coded<M[N]> };

export function list<C extends AnyCodec>(codec: C): Codec<Coded<C>[]>;
export function object<M extends Record<string, AnyCodec>>(members: M): Codec<CodedMembers<M>>;
/** One of several objects, told apart by their member `type`. */
export function choice<V extends Record<string, Record<string, AnyCodec>>>(
  variants: V,
): Codec<{ [Type in keyof V]: { type: Type } & CodedMembers<V[Type]> }[keyof V]>;

/** What takes its inputs one after the other. */
export interface Machine<M, I> {
  readonly runs?: [M, I];
}
export function machine<M extends Record<string, AnyCodec>, C extends AnyCodec, O = never>(how: {
  /** The machine before its first input: absent, 0, empty. */
  state: M;
  input: C;
  /** Changes the machine. */
  step(machine: CodedMembers<M>, input: Coded<C>): void;
  /** The kind in which the machine shows itself, if it does. */
  shows?: Kind<O>;
  present?(machine: CodedMembers<M>): O;
}): Machine<CodedMembers<M>, Coded<C>>;

export interface Ordered<M, I> {
  push(input: I): void;
  /** After all inputs. */
  machine(): M;
  readonly isAnchored: boolean;
}
/** Runs a machine in the order of the log. */
export function ordered<M, I>(machine: Machine<M, I>): Part<Ordered<M, I>>;

export interface Timeline<M, I> {
  push(time: number, offset: number, input: I): void;
  machine(): M;
}
/** Runs a machine in the order of event times. */
export function timeline<M, I>(machine: Machine<M, I>): Part<Timeline<M, I>>;

/** The cells of a chunk. */
export interface Cells<K, S> {
  /** The event's time, milliseconds. */
  readonly time: number;
  /** The state of `key` in the window of the event's time. An event may stand for its key, which is faster. */
  cell(key: K): S;
  /** The state of `key` in the window that holds `time`. */
  cellAt(time: number, key: K): S;
}

/** An input column. */
export interface Column<T> {
  /** One value a row: a BigInt64Array, Float64Array or Uint8Array; of texts codes, a Uint32Array. */
  readonly values: BigInt64Array | Float64Array | Uint8Array | Uint32Array;
  /** The distinct texts, by code. */
  readonly texts: string[];
  has(row: number): boolean;
  get(row: number): T | undefined;
}

/** A chunk as `foldColumns` sees it. */
export interface Events<E> {
  readonly length: number;
  readonly times: BigInt64Array;
  /** The numbers of all rows, ascending. */
  readonly all: Uint32Array;
  readonly columns: ColumnsOf<E>;
  /** The rows whose text in `column` is one of these, of `rows` or of all. */
  where(column: Column<string> | Column<string | undefined>, texts: string[], rows?: Uint32Array): Uint32Array;
  /** The rows that have a value in `column`. */
  having(column: Column<unknown>, rows?: Uint32Array): Uint32Array;
  reject(row: number, reason: string): void;
}
type Merged<U> = (U extends unknown ? (k: U) => void : never) extends (k: infer I) => void ? I : never;
export type ColumnsOf<E> = E extends OneOf<infer Tag, infer V>
  ? ColumnsOf<Merged<V[keyof V]>> & Record<Tag, Column<string>>
  : { readonly [N in keyof E]: E[N] extends Kind<infer T> ? Column<T> : never };

/** Methods of a part for many rows at once: arguments are columns, or values that are the same for all rows. */
export type Bulk<S> = {
  [M in keyof S & ("add" | "see" | "push" | "subtract")]: S[M] extends (...given: infer A) => void
    ? (...given: { [I in keyof A]: A[I] | Column<any> }) => void
    : never;
};
export interface BulkCells<S> {
  /** The cells of `rows`, by the columns that are named as the key's parts, or by `key`, and the window of `times`. */
  of(rows: Uint32Array, how?: { key?: Record<string, Column<any>>; times?: Column<any> }): { readonly [N in keyof S]: Bulk<S[N]> };
}

interface Declared<E, K, P, C> {
  name: string;
  summary?: string;
  /** `"1h"`: windows of that size; none: one global window. */
  window?: string;
  /** `"15m"`: a window starts that often. */
  slide?: string;
  /** Where events have their time. */
  time?: string;
  timeUnit?: "s" | "ms" | "us" | "ns";
  /** What is read of an event: kinds under names, or `oneOf`. */
  event: E;
  /** What cells are keyed by. */
  key?: K;
  /** What a cell holds. */
  state: P;
  /** Checks settings and returns what `fold` gets; throws if they do not fit. */
  settings?: (given: Record<string, unknown>) => C;
}
type Folds<E, K, P, C> =
  | { fold(event: EventOf<E>, cells: Cells<Values<K>, States<P>>, settings: C): void; foldColumns?: undefined }
  | { foldColumns(events: Events<E>, cells: BulkCells<States<P>>, settings: C): void; fold?: undefined };
/** What a person reads of a cell, if it is not what the state's parts show. */
type Presents<P, O> =
  | { outputs: O; present(state: States<P>): Values<O> }
  | { outputs?: undefined; present?: undefined };

export interface Transform {
  describe(settings: string): unknown;
}
/** Declares a transform; a plugin's module exports it as its default. */
export function transform<E extends Kinds | OneOf<string, any>, P extends Parts, K extends Kinds = {}, O extends Kinds = Kinds, C = undefined>(
  declared: Declared<E, K, P, C> & Folds<E, K, P, C> & Presents<P, O>,
): Transform;

/** Rejects the event at hand: it leaves no trace. The verdict must be a function of the event alone. */
export function reject(reason: string): never;

/** Lines for the host's log, which never change a result. */
export const log: Record<"trace" | "debug" | "info" | "warn" | "error", (message: unknown) => void>;

/** Units of 10^-digits with all digits: 1182.50. */
export function decimalText(units: number | bigint, digits: number): string;
/** RFC 3339 of milliseconds since 1970. */
export function timeText(ms: number | bigint): string;
