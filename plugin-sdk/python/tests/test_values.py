"""Values: canonical bytes, order, hash, how they show."""

import struct
import unittest

from bifocal import U8, U32, Decimal, DecodeError, Json, JsonError, Timestamp, record, rfc3339
from bifocal.codec import decode_all, put_varint, take_varint
from bifocal.decimals import parse_decimal, write_decimal
from bifocal.hashing import xxh64
from bifocal.jsontext import write_float, write_json
from bifocal.kinds import INTEGER, JSON, TEXT, OutOfRange
from bifocal.times import duration_ms
from bifocal.values import type_of

from .dice import dice, value_of

ANNOTATIONS = [
    bool,
    int,
    U8,
    U32,
    float,
    str,
    bytes,
    Json,
    Timestamp,
    Decimal[2],
    int | None,
    tuple[str, int],
    tuple[float, bool, str | None],
]


def bytes_of(annotation, value) -> bytes:
    out = bytearray()
    type_of(annotation).encode(value, out)
    return bytes(out)


@record
class Declined:
    time: Timestamp


@record
class Approved:
    time: Timestamp
    amount: Decimal[2]


class Bytes(unittest.TestCase):
    def test_bytes_are_those_of_the_documented_layout(self):
        nan = struct.pack("<Q", 0x7FF8_0000_0000_0000)
        for annotation, value, expected in [
            (bool, True, "01"),
            (int, -2, "feffffffffffffff"),
            (U8, 255, "ff"),
            (U32, 258, "02010000"),
            (float, 1.5, "000000000000f83f"),
            (float, -float("nan"), nan.hex()),
            (str, "é", "02c3a9"),
            (str, "x" * 200, "c801" + "78" * 200),
            (bytes, b"\x00\xff", "0200ff"),
            (Json, Json("[1]"), "035b315d"),
            (Timestamp, 1, "0100000000000000"),
            (Decimal[2], 1250, "e204000000000000"),
            (int | None, None, "00"),
            (U8 | None, 7, "0107"),
            (tuple[U8, str], (7, "a"), "070161"),
            (list[U8], [1, 2], "020102"),
            (Declined | Approved, Approved(1, 2), "01" + "0100000000000000" + "0200000000000000"),
        ]:
            self.assertEqual(bytes_of(annotation, value).hex(), expected, annotation)
            self.assertEqual(bytes_of(annotation, decode_all(type_of(annotation).decode, bytes.fromhex(expected))).hex(), expected)

    def test_what_is_written_is_read_back_and_nothing_else(self):
        for annotation in ANNOTATIONS:
            held = type_of(annotation)
            for _ in range(300):
                data = bytes_of(annotation, value_of(held))
                self.assertEqual(bytes_of(annotation, decode_all(held.decode, data)), data, annotation)
                for wrong in (data[:-1], data + b"\0"):
                    with self.assertRaises(DecodeError):
                        decode_all(held.decode, wrong)

    def test_any_bytes_are_a_value_or_a_decode_error(self):
        for annotation in [*ANNOTATIONS, list[str], Declined | Approved]:
            held = type_of(annotation)
            for _ in range(300):
                data = dice.randbytes(dice.randrange(24))
                try:
                    value = decode_all(held.decode, data)
                except DecodeError:
                    continue
                self.assertEqual(bytes_of(annotation, value), data, annotation)

    def test_malformed_bytes_are_named(self):
        for annotation, data, what in [
            (bool, "02", "a boolean other than 0 and 1"),
            (int | None, "02", "an option other than 0 and 1"),
            (float, "010000000000f87f", "a NaN other than the canonical one"),
            (str, "01ff", "text that is not UTF-8"),
            (str, "8000", "a padded number"),
            (str, "ffffffffffffffffff02", "a number of more than 64 bits"),
            (str, "ffffffff", "it ends within a value"),
            (list[U8], "05", "it ends within a value"),
            (Declined | Approved, "02", "a variant that there is not"),
        ]:
            with self.assertRaisesRegex(DecodeError, f"malformed state: {what}"):
                decode_all(type_of(annotation).decode, bytes.fromhex(data))

    def test_lengths_are_leb128(self):
        for value, expected in [(0, "00"), (127, "7f"), (128, "8001"), (2**64 - 1, "ff" * 9 + "01")]:
            out = bytearray()
            put_varint(value, out)
            self.assertEqual(out.hex(), expected)
            self.assertEqual(take_varint(bytes(out), 0), (value, len(out)))

    def test_annotations_that_mean_nothing_are_refused(self):
        for annotation in (complex, dict, list, Decimal, tuple[int], int | str):
            with self.assertRaises(TypeError):
                type_of(annotation)


class Order(unittest.TestCase):
    def test_keys_order_and_tell_apart_as_bytes_do(self):
        for annotation in ANNOTATIONS:
            held = type_of(annotation)
            for _ in range(500):
                a, b = value_of(held), value_of(held)
                same = bytes_of(annotation, a) == bytes_of(annotation, b)
                self.assertEqual(held.key(a) == held.key(b), same, (annotation, a, b))
                self.assertEqual(bytes_of(annotation, held.value(held.key(a))), bytes_of(annotation, a))

    def test_floats_have_the_total_order_with_one_nan(self):
        ascending = [float("-inf"), -1.0, -5e-324, -0.0, 0.0, 5e-324, 1.0, float("inf"), float("nan")]
        keys = [type_of(float).key(value) for value in ascending]
        self.assertEqual(keys, sorted(set(keys)))
        self.assertEqual(type_of(float).key(-float("nan")), keys[-1])

    def test_texts_are_ordered_by_their_utf8_bytes(self):
        texts = ["\uffff", "🏪", "é", "z", ""]
        self.assertEqual(sorted(texts), sorted(texts, key=str.encode))

    def test_absent_comes_first(self):
        key = type_of(int | None).key
        self.assertLess(key(None), key(-(2**63)))


class Hash(unittest.TestCase):
    def test_hashes_are_those_of_the_reference(self):
        self.assertEqual(xxh64(b""), 0xEF46DB3751D8E999)
        self.assertEqual(xxh64(b"a"), 0xD24EC4F1A98C6E5B)
        self.assertEqual(xxh64(b"abc"), 0x44BC2CF5AD770999)
        self.assertEqual(xxh64(b"Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1)

    def test_text_and_binary_hash_without_their_length(self):
        self.assertEqual(type_of(str).hash("abc"), xxh64(b"abc"))
        self.assertEqual(type_of(bytes).hash(b"abc"), xxh64(b"abc"))
        self.assertEqual(type_of(Json).hash(Json("abc")), xxh64(b"\3abc"))
        self.assertEqual(type_of(U32).hash(1), xxh64(b"\1\0\0\0"))
        self.assertEqual(type_of(int).hash(1), xxh64(b"\1" + bytes(7)))
        self.assertNotEqual(type_of(float).hash(0.0), type_of(float).hash(-0.0))


class Shown(unittest.TestCase):
    def test_json_is_that_of_the_host(self):
        for annotation, value, expected in [
            (int, 2**53, "9007199254740992"),
            (int, 2**53 + 1, '"9007199254740993"'),
            (int, -(2**63), '"-9223372036854775808"'),
            (Decimal[2], 118250, "1182.50"),
            (Decimal[2], -5, "-0.05"),
            (Decimal[0], 7, "7"),
            (Timestamp, 1_000, '"1970-01-01T00:00:01Z"'),
            (float, float("nan"), "null"),
            (str, 'a"\\\n\t\r\x07é🏪', '"a\\"\\\\\\n\\t\\r\\u0007é🏪"'),
            (bytes, b"\x01\x02", '"AQI="'),
            (bool, True, "true"),
            (int | None, None, "null"),
            (tuple[str, int], ("a", 1), '["a",1]'),
            (Json, Json("[1, 2]"), "[1, 2]"),
        ]:
            self.assertEqual(type_of(annotation).json(value), expected)

    def test_floats_are_the_shortest_that_read_back(self):
        for value, expected in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e16"),
            (1e300, "1e300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-5"),
            (1.5e-7, "1.5e-7"),
        ]:
            self.assertEqual(write_float(value), expected)

    def test_times_are_rfc_3339(self):
        for ms, expected in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00Z"),
            (-62_167_219_200_001, "-001-12-31T23:59:59.999Z"),
            (2**63 - 1, "292278994-08-17T07:12:55.807Z"),
        ]:
            self.assertEqual(rfc3339(ms), expected)
        self.assertEqual(f"{Timestamp(0)}", "1970-01-01T00:00:00Z")

    def test_decimals_are_read_from_their_characters(self):
        for text, units in [("12.5", 1250), ("-0.05", -5), ("7", 700), ("1.500", 150), ("007", 700)]:
            self.assertEqual(parse_decimal(text, 2), units)
        for wrong in ("", "-", ".5", "5.", "1e2", "+1", " 1", "1.005", "92233720368547758.08", "٣"):
            with self.assertRaises(ValueError, msg=wrong):
                Decimal[2].parse(wrong)
        self.assertEqual(parse_decimal("-92233720368547758.08", 2), -(2**63))
        self.assertEqual(str(Decimal[2](118250)), "1182.50")
        self.assertEqual(write_decimal(-(2**127), 18), "-170141183460469231731.687303715884105728")

    def test_what_a_column_cannot_hold_is_out_of_range(self):
        self.assertEqual(str(OutOfRange(2**63, INTEGER)), "out of range: 9223372036854775808 does not fit a 64-bit integer")
        self.assertEqual(write_json(TEXT, None), "null")
        self.assertEqual(write_json(JSON, "{}"), "{}")

    def test_lengths_of_time_have_one_unit(self):
        self.assertEqual([duration_ms(text) for text in ("500ms", "30s", "15m", "1h", "1d")], [500, 30_000, 900_000, 3_600_000, 86_400_000])
        for wrong in ("", "1", "h", "1 h", "1.5h", "-1h", "0s", "1h30m", "99999999999999999d"):
            with self.assertRaises(ValueError, msg=wrong):
                duration_ms(wrong)


class JsonFields(unittest.TestCase):
    def test_parts_are_read_as_they_stand(self):
        basket = Json(' [ {"sku":"a", "n": 1.50 , "n":2} ,[], "x,y]" ] ')
        self.assertEqual(basket.list(3), ['{"sku":"a", "n": 1.50 , "n":2}', "[]", '"x,y]"'])
        item = basket.list(3)[0]
        self.assertEqual((item.required("sku").text(), item.member("n"), item.member("m")), ("a", "2", None))
        self.assertEqual(Json('{"a":null}').member("a"), None)
        self.assertEqual(Json('"\\u00e9"').text(), "é")
        self.assertEqual((Json("-7").integer(), Json("1e3").float(), Json('"1.5"').decimal(2)), (-7, 1000.0, 150))
        self.assertEqual((Json("true").boolean(), Json(" null ").is_null()), (True, True))

    def test_what_does_not_fit_rejects_with_the_reason_of_the_reference(self):
        for read, reason in [
            (lambda: Json('"3"').integer(), 'expected an integer of 64 bits, found "3"'),
            (lambda: Json("1.0").integer(), "expected an integer of 64 bits, found 1.0"),
            (lambda: Json("[1,2]").list(1), "expected a list of at most 1, found [1,2]"),
            (lambda: Json("7").list(1), "expected a list, found 7"),
            (lambda: Json("[").member("a"), "expected an object, found ["),
            (lambda: Json("{}").required("a"), "expected a member 'a', found {}"),
            (lambda: Json("7").text(), "expected a text, found 7"),
            (lambda: Json('"\\ud800"').text(), 'expected a text, found "\\ud800"'),
            (lambda: Json("1.005").decimal(2), "expected a decimal with at most 2 digits after the point, found 1.005"),
            (lambda: Json("1").boolean(), "expected true or false, found 1"),
            (lambda: Json("9" * 50).integer(), f"expected an integer of 64 bits, found {'9' * 40}…"),
        ]:
            with self.assertRaises(JsonError) as raised:
                read()
            self.assertEqual(raised.exception.reason, reason)
            self.assertEqual(raised.exception.within("items").reason, f"items: {reason}")


if __name__ == "__main__":
    unittest.main()
