//! Hourly revenue per merchant and currency of completed orders, written from `wit/transform.wit` alone: no SDK
//! and no generated bindings. The structs are the contract's records as the canonical ABI lays them out.
const std = @import("std");

// ---- The boundary ----

fn List(comptime T: type) type {
    return extern struct {
        at: ?[*]T = null,
        len: usize = 0,

        const Self = @This();

        /// Of no items, too, a list lies within memory, which a slice of none need not.
        fn of(items: []T) Self {
            return if (items.len == 0) .{} else .{ .at = items.ptr, .len = items.len };
        }

        fn slice(self: Self) []T {
            return if (self.at) |at| at[0..self.len] else &.{};
        }
    };
}

const Bytes = List(u8);
const Blobs = extern struct { ends: Bytes = .{}, bytes: Bytes = .{} };
const Column = extern struct { fixed: Bytes = .{}, heap: Blobs = .{}, validity: Bytes = .{} };
const Kind = extern struct { tag: u8, payload: extern union { decimal: u8, other: Bytes } = .{ .other = .{} } };
const Field = extern struct { name: Bytes, path: Bytes, kind: Kind, required: bool };
const Annotation = extern struct { name: Bytes, value: Bytes };
const Window = extern struct { size_ms: u64, slide_ms: u64 };
const Description = extern struct {
    name: Bytes,
    summary: Bytes,
    inputs: List(Field),
    keys: List(Field),
    outputs: List(Field),
    only: extern struct { is_some: bool = false, path: Bytes = .{}, one_of: List(Bytes) = .{} } = .{},
    window: extern struct { is_some: bool, value: Window },
    order: enum(u8) { none, log } = .none,
    initial: extern struct { is_some: bool = false, value: Bytes = .{} } = .{},
    annotations: List(Annotation),
};
const Rejection = extern struct { row: u32, reason: Bytes };
const Folded = extern struct {
    keys: List(Column),
    windows: Bytes,
    states: Blobs,
    rejected: List(Rejection) = .{},
};

fn Result(comptime T: type) type {
    return extern struct {
        is_error: bool,
        payload: extern union { ok: T, why: Bytes },

        fn of(answer: Failure!T) *@This() {
            const result = create(@This());
            if (answer) |ok| {
                result.* = .{ .is_error = false, .payload = .{ .ok = ok } };
            } else |_| {
                result.* = .{ .is_error = true, .payload = .{ .why = text(why) } };
            }
            return result;
        }
    };
}

/// What is wrong is in `why`.
const Failure = error{Failed};
var why: []const u8 = "";

fn fail(comptime format: []const u8, arguments: anytype) Failure {
    why = std.fmt.allocPrint(arena.allocator(), format, arguments) catch @trap();
    return error.Failed;
}

extern "bifocal:transform/host@1.0.0" fn settings(out: *Bytes) void;

/// The memory of one call; it goes when the result has been read.
var arena = std.heap.ArenaAllocator.init(std.heap.wasm_allocator);

fn create(comptime T: type) *T {
    return arena.allocator().create(T) catch @trap();
}

fn allocate(comptime T: type, count: usize) []T {
    return arena.allocator().alloc(T, count) catch @trap();
}

/// A list of text that nobody writes to.
fn text(constant: []const u8) Bytes {
    return .{ .at = @constCast(constant.ptr), .len = constant.len };
}

export fn cabi_realloc(old: ?[*]u8, old_size: usize, alignment: usize, new_size: usize) [*]u8 {
    _ = alignment; // at most 8
    // Of no bytes, too, it is asked for an address within memory.
    const piece = arena.allocator().alignedAlloc(u8, .@"8", @max(new_size, 1)) catch @trap();
    if (old) |from| @memcpy(piece[0..@min(old_size, new_size)], from[0..@min(old_size, new_size)]);
    return piece.ptr;
}

export fn @"bifocal:transform/transform@1.0.0#describe"() *Result(Description) {
    return .of(describe());
}

export fn @"bifocal:transform/transform@1.0.0#fold"(times: Param, times_len: usize, columns: ?[*]Column, columns_len: usize) *Result(Folded) {
    const in: List(Column) = .{ .at = columns, .len = columns_len };
    return .of(fold(list(times, times_len), in.slice()));
}

export fn @"bifocal:transform/transform@1.0.0#merge"(a: Param, al: usize, b: Param, bl: usize, c: Param, cl: usize, d: Param, dl: usize) *Result(Blobs) {
    return .of(merge(.{ .ends = list(a, al), .bytes = list(b, bl) }, .{ .ends = list(c, cl), .bytes = list(d, dl) }));
}

export fn @"bifocal:transform/transform@1.0.0#present"(keys: ?[*]Column, keys_len: usize, windows: Param, windows_len: usize, a: Param, al: usize, b: Param, bl: usize) *Result(List(Column)) {
    _ = .{ keys, keys_len, windows, windows_len };
    return .of(present(.{ .ends = list(a, al), .bytes = list(b, bl) }));
}

const Param = ?[*]u8;

fn list(at: Param, len: usize) Bytes {
    return .{ .at = at, .len = len };
}

fn release(result: *anyopaque) callconv(.c) void {
    _ = result;
    _ = arena.reset(.free_all);
}

comptime {
    for (.{ "describe", "fold", "merge", "present" }) |function| {
        @export(&release, .{ .name = "cabi_post_bifocal:transform/transform@1.0.0#" ++ function });
    }
}

// ---- The transform ----

const hour_ms = 3_600_000;

const kind = struct {
    const integer: Kind = .{ .tag = 1 };
    const string: Kind = .{ .tag = 3 };
    const decimal2: Kind = .{ .tag = 6, .payload = .{ .decimal = 2 } };
};

fn describe() Failure!Description {
    var given: Bytes = .{};
    settings(&given);
    if (!std.mem.eql(u8, given.slice(), "{}")) {
        return fail("settings {s} do not fit: this transform has no settings", .{given.slice()});
    }
    const inputs = [_]Field{
        .{ .name = text("merchant_id"), .path = text("merchant_id"), .kind = kind.string, .required = true },
        .{ .name = text("currency"), .path = text("currency"), .kind = kind.string, .required = true },
        .{ .name = text("amount"), .path = text("amount"), .kind = kind.decimal2, .required = true },
        .{ .name = text("status"), .path = text("status"), .kind = kind.string, .required = true },
    };
    const keys = [_]Field{ named("merchant_id", kind.string), named("currency", kind.string) };
    const outputs = [_]Field{ named("amount", kind.decimal2), named("orders", kind.integer), named("largest", kind.decimal2) };
    return .{
        .name = text("revenue"),
        .summary = text("Hourly revenue per merchant and currency of completed orders."),
        .inputs = copied(Field, &inputs),
        .keys = copied(Field, &keys),
        .outputs = copied(Field, &outputs),
        .window = .{ .is_some = true, .value = .{ .size_ms = hour_ms, .slide_ms = hour_ms } },
        .annotations = copied(Annotation, &.{.{ .name = text("time"), .value = text("ts") }}),
    };
}

fn named(name: []const u8, of: Kind) Field {
    return .{ .name = text(name), .path = .{}, .kind = of, .required = false };
}

fn copied(comptime T: type, items: []const T) List(T) {
    return .of(arena.allocator().dupe(T, items) catch @trap());
}

/// What a cell holds. Its bytes are those of the SDKs: an exact sum, a count, and the largest behind a byte 1.
const Totals = struct {
    amount: i128 = 0,
    orders: u64 = 0,
    largest: ?i64 = null,

    const size_max = 16 + 8 + 1 + 8;

    fn add(self: *Totals, other: Totals) void {
        self.amount +%= other.amount;
        self.orders +|= other.orders;
        const largest = other.largest orelse return;
        self.largest = @max(self.largest orelse largest, largest);
    }

    fn encode(self: Totals, out: []u8) usize {
        std.mem.writeInt(i128, out[0..16], self.amount, .little);
        std.mem.writeInt(u64, out[16..24], self.orders, .little);
        out[24] = @intFromBool(self.largest != null);
        std.mem.writeInt(i64, out[25..33], self.largest orelse return 25, .little);
        return 33;
    }

    fn decode(state: []const u8) Failure!Totals {
        const is_some = state.len == 33 and state[24] == 1;
        if (!is_some and !(state.len == 25 and state[24] == 0)) return fail("malformed state of {} bytes", .{state.len});
        return .{
            .amount = std.mem.readInt(i128, state[0..16], .little),
            .orders = std.mem.readInt(u64, state[16..24], .little),
            .largest = if (is_some) std.mem.readInt(i64, state[25..33], .little) else null,
        };
    }
};

fn load(comptime T: type, bytes: Bytes, i: usize) T {
    return std.mem.readInt(T, bytes.at.?[i * @sizeOf(T) ..][0..@sizeOf(T)], .little);
}

fn blob(blobs: Blobs, i: usize) []const u8 {
    const from = if (i == 0) 0 else load(u32, blobs.ends, i - 1);
    return blobs.bytes.slice()[from..load(u32, blobs.ends, i)];
}

/// The code of a text in a column's dictionary; one that no row has if it is not there.
fn codeOf(column: Column, wanted: []const u8) u32 {
    for (0..column.heap.ends.len / 4) |code| {
        if (std.mem.eql(u8, blob(column.heap, code), wanted)) return @intCast(code);
    }
    return std.math.maxInt(u32);
}

/// Cells by window and codes: within one chunk codes tell texts apart, since a dictionary has each once.
const Name = struct { start_ms: i64, merchant: u32, currency: u32 };

const Cells = struct {
    names: std.ArrayList(Name) = .empty,
    totals: std.ArrayList(Totals) = .empty,
    slots: []u32 = &.{}, // indexes + 1 by hash; 0: free

    fn slotOf(self: *Cells, name: Name) *u32 {
        var hash = @as(u64, @bitCast(name.start_ms)) *% 0x9e3779b97f4a7c15 ^ (@as(u64, name.merchant) << 32 | name.currency);
        hash *%= 0x9e3779b97f4a7c15;
        var at: usize = @intCast(hash >> 40);
        while (true) : (at += 1) {
            const slot = &self.slots[at & (self.slots.len - 1)];
            if (slot.* == 0 or std.meta.eql(self.names.items[slot.* - 1], name)) return slot;
        }
    }

    fn cell(self: *Cells, name: Name) *Totals {
        if (self.names.items.len * 2 >= self.slots.len) {
            self.slots = allocate(u32, @max(64, self.slots.len * 4));
            @memset(self.slots, 0);
            for (self.names.items, 1..) |known, i| self.slotOf(known).* = @intCast(i);
        }
        const slot = self.slotOf(name);
        if (slot.* == 0) {
            self.names.append(arena.allocator(), name) catch @trap();
            self.totals.append(arena.allocator(), .{}) catch @trap();
            slot.* = @intCast(self.names.items.len);
        }
        return &self.totals.items[slot.* - 1];
    }
};

fn fold(times: Bytes, columns: []const Column) Failure!Folded {
    if (columns.len != 4) return fail("{} columns for 4 inputs", .{columns.len});
    const merchant, const currency, const amount, const status = columns[0..4].*;
    const completed = codeOf(status, "completed");
    var cells: Cells = .{};
    for (0..times.len / 8) |row| {
        if (load(u32, status.fixed, row) != completed) continue;
        const units = load(i64, amount.fixed, row);
        const start_ms = std.math.mul(i64, @divFloor(load(i64, times, row), hour_ms), hour_ms) catch @trap();
        const name: Name = .{ .start_ms = start_ms, .merchant = load(u32, merchant.fixed, row), .currency = load(u32, currency.fixed, row) };
        cells.cell(name).add(.{ .amount = units, .orders = 1, .largest = units });
    }
    const count = cells.names.items.len;
    const windows = allocate(i64, count);
    const merchants = allocate(u32, count);
    const currencies = allocate(u32, count);
    for (cells.names.items, windows, merchants, currencies) |name, *window, *m, *c| {
        window.*, m.*, c.* = .{ name.start_ms, name.merchant, name.currency };
    }
    // The dictionaries may hold texts that no cell uses.
    const keys = [_]Column{
        .{ .fixed = .of(std.mem.sliceAsBytes(merchants)), .heap = merchant.heap },
        .{ .fixed = .of(std.mem.sliceAsBytes(currencies)), .heap = currency.heap },
    };
    return .{ .keys = copied(Column, &keys), .windows = .of(std.mem.sliceAsBytes(windows)), .states = encoded(cells.totals.items) };
}

fn encoded(all: []const Totals) Blobs {
    const ends = allocate(u32, all.len);
    const bytes = allocate(u8, all.len * Totals.size_max);
    var length: usize = 0;
    for (all, ends) |totals, *end| {
        length += totals.encode(bytes[length..]);
        end.* = @intCast(length);
    }
    return .{ .ends = .of(std.mem.sliceAsBytes(ends)), .bytes = .of(bytes[0..length]) };
}

fn merge(left: Blobs, right: Blobs) Failure!Blobs {
    if (left.ends.len != right.ends.len) return fail("{} states at the left, {} at the right", .{ left.ends.len / 4, right.ends.len / 4 });
    const merged = allocate(Totals, left.ends.len / 4);
    for (merged, 0..) |*totals, i| {
        totals.* = try .decode(blob(left, i));
        totals.add(try .decode(blob(right, i)));
    }
    return encoded(merged);
}

fn present(states: Blobs) Failure!List(Column) {
    const count = states.ends.len / 4;
    const amounts = allocate(i64, count);
    const orders = allocate(i64, count);
    const largest = allocate(i64, count);
    const validity = allocate(u8, (count + 7) / 8);
    @memset(validity, 0);
    for (0..count) |i| {
        const totals: Totals = try .decode(blob(states, i));
        amounts[i] = std.math.cast(i64, totals.amount) orelse {
            const magnitude = @abs(totals.amount);
            const sign = if (totals.amount < 0) "-" else "";
            return fail("out of range: {s}{}.{d:0>2} does not fit a decimal(2)", .{ sign, magnitude / 100, magnitude % 100 });
        };
        orders[i] = std.math.cast(i64, totals.orders) orelse return fail("out of range: {} does not fit a 64-bit integer", .{totals.orders});
        largest[i] = totals.largest orelse 0;
        if (totals.largest != null) validity[i / 8] |= @as(u8, 1) << @intCast(i % 8);
    }
    return copied(Column, &.{
        .{ .fixed = .of(std.mem.sliceAsBytes(amounts)) },
        .{ .fixed = .of(std.mem.sliceAsBytes(orders)) },
        .{ .fixed = .of(std.mem.sliceAsBytes(largest)), .validity = .of(validity) },
    });
}
