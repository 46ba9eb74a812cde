"""Reckons simulated months from what was asked, with fractions and nothing of the product: month.py WHAT FOLDER.

Prints what differs from what the product made of them, and ends with 1; nothing and 0 where all is equal. The rules are those of
docs/prices.md and docs/invoices.md.
"""

import json
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

MINOR = {"USD": Fraction(1, 100), "CNY": Fraction(1, 100), "JPY": Fraction(1)}
TINY = Fraction(1, 10**12)
KINDS = ["usage", "fee", "discount", "minimum", "cap", "residue"]

what, folder = sys.argv[1], Path(sys.argv[2])


def read(name):
    return json.loads((folder / f"{name}.json").read_text())


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def number(text):
    return Fraction(Decimal(text))


def half_even(value, unit):
    return round(value / unit) * unit  # Python rounds fractions half to even


def half_up(value, unit):
    size = abs(value) / unit + Fraction(1, 2)
    whole = size.numerator // size.denominator
    return (whole if value >= 0 else -whole) * unit


def largest_remainders(ideals, unit, total):
    """Multiples of unit next to ideals that add up to total; of equal remainders the first is raised."""
    down = [ideal // unit for ideal in ideals]
    left = (total - sum(down) * unit) / unit
    assert left.denominator == 1 and 0 <= left <= len(ideals), "shares that do not add up"
    ranked = sorted(range(len(ideals)), key=lambda i: (-(ideals[i] / unit - down[i]), i))
    raised = set(ranked[: int(left)])
    return [(whole + (i in raised)) * unit for i, whole in enumerate(down)]


def by_weight(amount, weights, unit=TINY):
    whole = sum(weights)
    if whole == 0:
        return [amount if i == 0 else Fraction(0) for i in range(len(weights))]
    return largest_remainders([amount * weight / whole for weight in weights], unit, amount)


def fits(pattern, name):
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == name


# What was asked


def counted():
    """Events that must be there: those that were answered, and of those cut off by a kill what was told of them."""
    told = [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]
    answered = {one["id"] for one in told if one["kind"] == "ended"}
    held = {one["id"]: one for one in read("held")}
    events, problems = [], []
    for one in told:
        if one["kind"] != "begun":
            continue
        age = moment(one["came"]) - moment(one["at"])
        in_time = timedelta(minutes=-5) <= age <= timedelta(days=35)
        if not in_time:
            if one["id"] in held:
                problems.append(f"{one['id']} was taken and is too old, or ahead")
            continue
        stands = held.get(one["id"])
        event = dict(one)
        if one["id"] not in answered:
            if stands is None:
                continue
            if stands["end"] == "gateway_lost":
                possible = [("caller", {})]
                if "progress" in one:
                    possible.append((one["billable"], one["progress"]))
                if (stands["billable"], stands["quantities"]) not in possible:
                    problems.append(f"{one['id']} was lost with what nobody has told")
                event.update(billable=stands["billable"], quantities=stands["quantities"])
        if stands is None:
            problems.append(f"{one['id']} is not there")
        elif (stands["billable"], stands["quantities"]) != (event["billable"], event["quantities"]):
            problems.append(f"{one['id']} is {stands}, and was {event}")
        event["batch"] = stands["batch"] if stands else 0
        event["moment"] = moment(event["at"])
        event["used"] = {unit: int(count) for unit, count in event["quantities"].items() if int(count) > 0}
        events.append(event)
    extra = set(held) - {event["id"] for event in events}
    problems += [f"{one} was never asked" for one in sorted(extra)]
    twice = [one for one, times in Counter(event["id"] for event in events).items() if times > 1]
    problems += [f"{one} was asked twice" for one in twice]
    return events, problems


# Prices


class Book:
    def __init__(self, published, others):
        self.name, self.version, self.spec = published["name"], published["version"], published["spec"]
        self.ids = published["rates"]
        self.begins = moment(self.spec["from"])
        later = [moment(o["spec"]["from"]) for o in others if o["name"] == self.name and o["version"] > self.version]
        self.ends = min(later, default=datetime.max.replace(tzinfo=timezone.utc))

    def holds(self, at):
        return self.begins <= at < self.ends


def exactness(rate, unit):
    """Larger is more exact: what says more, then the longer name, then the unit before its direction."""
    says = sum([rate["model"] != "*", "context" in rate, "workspace" in rate])
    name = len(rate["model"]) if rate["model"].endswith("*") else 10**6
    return (says, name, rate["unit"] == unit)


class Prices:
    def __init__(self, books):
        self.books = books
        self.known = {}

    def find(self, event, unit):
        holding = tuple(i for i, book in enumerate(self.books) if book.holds(event["moment"]))
        tokens = sum(count for name, count in event["used"].items() if name.startswith("tok.in."))
        key = (holding, event["model"], event["workspace"], unit)
        if key not in self.known:
            candidates = [
                (exactness(rate, unit), rate, self.books[i], place)
                for i in holding
                for place, rate in enumerate(self.books[i].spec["rates"])
                if fits(rate["model"], event["model"])
                and fits(rate["unit"], unit)
                and rate.get("workspace", event["workspace"]) == event["workspace"]
            ]
            self.known[key] = sorted(candidates, key=lambda one: one[0], reverse=True)
        for _, rate, book, place in self.known[key]:
            context = rate.get("context", {})
            if context.get("from", 0) <= tokens < context.get("to", float("inf")):
                return rate, book, place
        raise ValueError(f"nothing prices {unit} of {event['model']} at {event['at']}")


def of_period(rate, quantity):
    """What the first so many units of a period cost."""
    if quantity == 0:
        return Fraction(0)
    per = rate["per"]
    if rate["charge"] == "package":
        return -(-quantity // per) * number(rate["price"])
    cost, below = Fraction(0), 0
    if rate["charge"] == "volume":
        for step in rate["steps"]:
            if "upTo" not in step or quantity <= int(step["upTo"]):
                return half_even(quantity * number(step["price"]) / per, TINY) + number(step.get("flat", "0"))
    flat = Fraction(0)
    for step in rate["steps"]:
        if quantity <= below:
            break
        end = min(quantity, int(step["upTo"])) if "upTo" in step else quantity
        cost += (end - below) * number(step["price"]) / per
        flat += number(step.get("flat", "0"))
        below = end
    return half_even(cost, TINY) + flat


def stretches(rate, before, quantity):
    """(step, units, amount) of units that come after others of their period."""
    after = before + quantity
    if rate["charge"] == "package":
        yield "", quantity, of_period(rate, after) - of_period(rate, before)
        return
    if rate["charge"] == "volume":
        step = next(i for i, s in enumerate(rate["steps"], 1) if "upTo" not in s or after <= int(s["upTo"]))
        yield step, quantity, of_period(rate, after) - of_period(rate, before)
        return
    at = before
    for i, step in enumerate(rate["steps"], 1):
        end = min(after, int(step["upTo"])) if "upTo" in step else after
        if end > at:
            yield i, end - at, of_period(rate, end) - of_period(rate, at)
            at = end


# Lines: dictionaries of kind, what (its identity), quantity, exact, tax (name, percent) or None, service, correction


def usage_lines(events, prices, tax_of, service):
    sums = defaultdict(lambda: [0, Fraction(0)])
    rates = {}
    for event in events:
        for unit, count in event["used"].items():
            rate, book, place = prices.find(event, unit)
            rate_id = book.ids[place]
            rates[rate_id] = (rate, book)
            total = sums[rate_id, event["project"] or "", event["model"], unit]
            total[0] += count
            if rate.get("charge", "per_unit") == "per_unit":
                total[1] += half_even(count * number(rate["price"]) / rate["per"], TINY)
    lines = []

    def add(project, model, unit, rate_id, step, quantity, exact):
        if quantity or exact:
            lines.append(
                dict(
                    kind="usage",
                    what=(project, model, unit, rate_id, str(step)),
                    quantity=quantity,
                    exact=exact,
                    tax=tax_of(model),
                    service=service,
                    correction=False,
                )
            )

    before = defaultdict(int)
    for rate_id in sorted(rates, key=lambda one: rates[one][1].begins):
        rate, book = rates[rate_id]
        users = sorted((key[1:], total) for key, total in sums.items() if key[0] == rate_id)
        if rate.get("charge", "per_unit") == "per_unit":
            for (project, model, unit), (quantity, exact) in users:
                add(project, model, unit, rate_id, "", quantity, exact)
            continue
        series = (book.name, rate["unit"], rate["model"], rate.get("workspace"), json.dumps(rate.get("context")))
        whole = sum(quantity for _, (quantity, _) in users)
        left = [quantity for _, (quantity, _) in users]
        for step, units, amount in stretches(rate, before[series], whole):
            taken = largest_remainders([Fraction(one * units, sum(left)) for one in left], Fraction(1), Fraction(units))
            amounts = by_weight(amount, taken)
            for (project, model, unit), quantity, exact in zip([key for key, _ in users], taken, amounts):
                add(project, model, unit, rate_id, step, int(quantity), exact)
            left = [one - int(gone) for one, gone in zip(left, taken)]
        before[series] += whole
    # As documents are ordered: steps by their size.
    return sorted(lines, key=lambda one: (*one["what"][:4], one["what"][4].zfill(9) if one["what"][4] else ""))


def group_by_tax(lines):
    groups = {}
    for line in lines:
        groups.setdefault(line["tax"], []).append(line)
    return list(groups.values())


def milliseconds(span):
    return span // timedelta(milliseconds=1)


class Workspace:
    def __init__(self, place, published):
        self.name, self.spec = place["name"], place["spec"]
        self.currency = self.spec["currency"]
        self.unit = MINOR[self.currency]
        self.billing = self.spec["billing"]
        self.terms = self.billing["invoice"]
        own = [book for book in published if book["spec"]["currency"] == self.currency]
        self.books = [Book(book, own) for book in own]
        self.prices = Prices(self.books)
        self.round = half_up if own[-1]["spec"].get("rounding") == "half_up" else half_even

    def month(self, index):
        """From local midnight to local midnight."""
        zone = ZoneInfo(self.spec["timezone"])
        return tuple(datetime(2100, 1 + index + i, 1, tzinfo=zone).astimezone(timezone.utc) for i in (0, 1))

    def rule(self, rules, model):
        return next((r for r in rules if "models" not in r or any(fits(m, model) for m in r["models"])), None)

    def tax_of(self, model):
        rule = self.rule(self.terms.get("taxes", []), model)
        return rule and (rule["name"], rule["percent"])

    def charges(self, events, index):
        begins, ends = self.month(index)
        service = begins
        usage = usage_lines(events, self.prices, self.tax_of, service)

        def plain(kind, name, exact, tax):
            return dict(kind=kind, what=name, quantity=1, exact=exact, tax=tax, service=service, correction=False)

        held = defaultdict(int)
        for book in self.books:
            span = milliseconds(min(book.ends, ends) - max(book.begins, begins))
            if span <= 0:
                continue
            for fee in book.spec.get("fees", []):
                if fee.get("workspace", self.name) == self.name:
                    held["fee", book.name, fee["name"], fee["price"]] += span
            for bound in ("minimum", "cap"):
                if bound in book.spec:
                    held[bound, book.name, "", book.spec[bound]] += span
        length = milliseconds(ends - begins)
        fixed = [(key, by_weight(number(key[3]), [ms, length - ms])[0], ms) for key, ms in held.items()]
        fees = [plain("fee", key[2], amount, self.tax_of("")) for key, amount, _ in fixed if key[0] == "fee" and amount]
        fees.sort(key=lambda one: one["what"])
        discounts = []
        rules = self.terms.get("discounts", [])
        for rule in rules:
            its = [line for line in usage if self.rule(rules, line["what"][1]) is rule]
            for group in group_by_tax(its):
                off = half_even(sum(line["exact"] for line in group) * number(rule["percent"]) / 100, TINY)
                if off:
                    discounts.append(plain("discount", rule["name"], -off, group[0]["tax"]))
        lines = usage + fees + discounts
        total = sum((line["exact"] for line in lines), Fraction(0))
        least = sum((amount for key, amount, _ in fixed if key[0] == "minimum"), Fraction(0))
        caps = [amount for key, amount, ms in fixed if key[0] == "cap" and ms == length]
        kind, more = "minimum", least - total
        if more <= 0:
            kind, more = "cap", min([amount - total for amount in caps if amount < total], default=Fraction(0))
        if more:
            groups = group_by_tax(lines) or [[dict(exact=Fraction(0), tax=self.tax_of(""))]]
            parts = by_weight(more, [sum(line["exact"] for line in group) for group in groups])
            lines += [plain(kind, "", part, group[0]["tax"]) for group, part in zip(groups, parts) if part]
        return lines

    def document(self, kind, index, charges, events):
        inclusive = self.terms.get("taxInclusive", False)
        groups = group_by_tax(charges)
        total = self.round(sum((line["exact"] for line in charges), Fraction(0)), self.unit)
        sums = largest_remainders([sum(line["exact"] for line in group) for group in groups], self.unit, total)
        lines, net, tax = [], Fraction(0), Fraction(0)
        for group, whole in zip(groups, sums):
            its = [dict(line, rounded=self.round(line["exact"], self.unit)) for line in group]
            residue = whole - sum(line["rounded"] for line in its)
            if residue:
                its.append(
                    dict(
                        kind="residue",
                        what="",
                        quantity=1,
                        exact=Fraction(0),
                        tax=group[0]["tax"],
                        service=self.month(index)[0],
                        correction=all(line["correction"] for line in group),
                        rounded=residue,
                    )
                )
            percent = number(group[0]["tax"][1]) if group[0]["tax"] else Fraction(0)
            share = percent / (100 + percent) if inclusive else percent / 100
            amount = self.round(whole * share, self.unit)
            parts = largest_remainders([line["rounded"] * share for line in its], self.unit, amount)
            for line, part in zip(its, parts):
                line["taxed"] = part
                line["net"] = line["rounded"] - part if inclusive else line["rounded"]
            net += whole - amount if inclusive else whole
            tax += amount
            lines += its
        gross = net + tax
        credit = Fraction(0)
        if self.billing.get("mode") == "prepaid" and gross > 0:
            used = sum((line["exact"] for line in charges if line["kind"] == "usage"), Fraction(0))
            credit = min(max(used, 0) // self.unit * self.unit, gross)
        return dict(
            kind=kind,
            workspace=self.name,
            period=self.month(index)[0],
            lines=lines,
            sums=(net, tax, gross, gross - credit),
            events=events,
        )

    def correct(self, now, billed):
        """What a closed month comes to now, less what was billed for it."""

        def same(line):
            return (line["kind"], line["what"], None if line["kind"] == "usage" else line["tax"])

        after, before = defaultdict(list), defaultdict(list)
        for line in now:
            after[same(line)].append(line)
        for line in billed:
            before[same(line)].append(line)
        lines = []
        for key in [*after, *(key for key in before if key not in after)]:
            is_, was = after.get(key, []), before.get(key, [])
            exact = sum(line["exact"] for line in is_) - sum(line["exact"] for line in was)
            quantity = sum(line["quantity"] for line in is_) - sum(line["quantity"] for line in was)
            if exact or quantity:
                tax = (was or is_)[0]["tax"]
                lines.append(dict((is_ or was)[0], exact=exact, quantity=quantity, tax=tax, correction=True))
        return lines

    def documents(self, events, cutoffs):
        own = [e for e in events if e["workspace"] == self.name and e["billable"] == "caller"]

        def within(index, batch):
            begins, ends = self.month(index)
            return [e for e in own if begins <= e["moment"] < ends and e["batch"] <= batch]

        made = []
        for index, cutoff in enumerate(cutoffs):
            now = within(index, cutoff)
            charges = self.charges(now, index)
            counts = {self.month(index)[0]: len(now)}
            notes = []
            for earlier in range(index):
                all_ = within(earlier, cutoff)
                if len(all_) == len(within(earlier, cutoffs[index - 1])):
                    continue
                begins = self.month(earlier)[0]
                billed = [
                    line
                    for document in made
                    for line in document["lines"]
                    if line["kind"] != "residue" and line["service"] == begins
                ]
                more = self.correct(self.charges(all_, earlier), billed)
                if not more:
                    continue
                if sum(line["exact"] for line in more) < 0:
                    notes.append(self.document("credit_note", earlier, more, {begins: len(all_)}))
                else:
                    charges = charges + more
                    counts[begins] = len(all_)
            made += [self.document("invoice", index, charges, counts), *notes]
        return made


# Comparing


def line_text(kind, what, service, correction, quantity, tax, *amounts):
    numbers = " ".join(f"{Decimal(a.numerator) / Decimal(a.denominator):f}" for a in amounts)
    return f"{kind} {what} of {service.isoformat()} {'corrects' if correction else ''} {tax}: {quantity} {numbers}"


def expected_text(line):
    amounts = (line["exact"], line["rounded"], line["net"], line["taxed"])
    return line_text(
        line["kind"], line["what"], line["service"], line["correction"], line["quantity"], line["tax"], *amounts
    )


def issued_text(line):
    what = line["name"]
    if line["kind"] == "usage":
        step = "" if line["step"] is None else str(line["step"])
        what = (line["project"] or "", line["model"], line["unit"], line["rate"], step)
    tax = line["taxed"] and (line["taxed"]["name"], line["taxed"]["percent"])
    amounts = (number(line[name]) for name in ("exact", "rounded", "net", "tax"))
    return line_text(
        line["kind"],
        what,
        moment(line["service"]["from"]),
        line["correction"],
        int(line["quantity"]),
        tax,
        *amounts,
    )


def compare_documents(events, workspaces):
    def key(kind, workspace, period):
        return f"{kind} of {workspace} for {period.isoformat()}"

    issued = {key(d["kind"], d["workspace"], moment(d["period"]["from"])): d for d in read("documents")}
    reckoned = {
        key(d["kind"], d["workspace"], d["period"]): d
        for workspace in workspaces
        for d in workspace.documents(events, read("cutoffs")[workspace.name])
    }
    for name in sorted(set(issued) ^ set(reckoned)):
        yield f"{name} was {'issued' if name in issued else 'not issued'}"
    for name in sorted(set(issued) & set(reckoned)):
        is_, should = issued[name], reckoned[name]
        lines = Counter(issued_text(line) for line in is_["lines"])
        other = Counter(expected_text(line) for line in should["lines"])
        for text in sorted(lines - other):
            yield f"{name} has {text}"
        for text in sorted(other - lines):
            yield f"{name} should have {text}"
        sums = tuple(number(is_[sum_]) for sum_ in ("net", "tax", "gross", "payable"))
        if sums != should["sums"]:
            yield f"{name} adds up to {sums}, and should to {should['sums']}"
        counts = {moment(p["from"]): int(p["events"]) for p in is_["evidence"]["periods"]}
        if counts != should["events"]:
            yield f"{name} is of {counts} events, and should be of {should['events']}"


def compare_balances(events, workspaces, places):
    balances = {one["workspace"]: one for one in read("balances")}
    for workspace, place in zip(workspaces, places):
        if place["topUp"] is None:
            continue
        used = Fraction(0)
        for index in range(3):
            begins, ends = workspace.month(index)
            own = [
                e
                for e in events
                if e["workspace"] == workspace.name and e["billable"] == "caller" and begins <= e["moment"] < ends
            ]
            used += sum(line["exact"] for line in usage_lines(own, workspace.prices, workspace.tax_of, begins))
        stands = balances[workspace.name]
        for name in ("balance", "entries"):
            if number(stands[name]) != number(place["topUp"]) - used:
                yield f"{name} of {workspace.name} is {stands[name]}, and {float(used)} of {place['topUp']} was used"
        if number(stands["held"]) != 0:
            yield f"{workspace.name} still holds {stands['held']}"


def main():
    from decimal import getcontext

    getcontext().prec = 60
    events, problems = counted()
    places = read("places")
    workspaces = [Workspace(place, read("books")) for place in places]
    found = {
        "events": lambda: problems,
        "documents": lambda: compare_documents(events, workspaces),
        "balances": lambda: compare_balances(events, workspaces, places),
    }[what]()
    found = list(found)
    print("\n".join(found[:50]), end="")
    sys.exit(1 if found else 0)


main()
