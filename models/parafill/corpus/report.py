"""Counts of what was kept and what each filter dropped, per language, as a table for people."""

from __future__ import annotations

from collections import Counter, defaultdict

from parafill.corpus.documents import PackageText


class DropReport:
    """Collects (language, reason) counts over packages and later stages."""

    def __init__(self) -> None:
        self._dropped: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(_zero))
        self._kept: dict[str, list[int]] = defaultdict(_zero)

    @classmethod
    def from_dict(cls, values: dict) -> DropReport:
        """The inverse of `as_dict`."""
        report = cls()
        for language, entry in values.items():
            report._kept[language] = entry["kept"]
            report._dropped[language].update(entry["dropped"])
        return report

    def add_package(self, text: PackageText) -> None:
        """Adds what extraction and filters dropped from one package."""
        for (language, reason), (files, size) in text.dropped.items():
            self.drop(language, reason, size, files)

    def drop(self, language: str, reason: str, size: int, files: int = 1) -> None:
        """Counts dropped files and their bytes."""
        entry = self._dropped[language][reason]
        entry[0] += files
        entry[1] += size

    def keep(self, language: str, size: int) -> None:
        """Counts one kept file."""
        entry = self._kept[language]
        entry[0] += 1
        entry[1] += size

    def as_dict(self) -> dict:
        """Plain data for JSON: language -> {kept, dropped: reason -> [files, bytes]}."""
        return {
            language: {
                "kept": self._kept[language],
                "dropped": dict(sorted(self._dropped[language].items())),
            }
            for language in sorted({*self._kept, *self._dropped})
        }

    def table(self) -> str:
        """One line per language and reason, largest first: files and megabytes."""
        lines = [f"{'language':<18}{'what':<28}{'files':>9}{'MB':>9}"]
        order = Counter({language: size for language, (_, size) in self._kept.items()})
        for language in [*dict(order.most_common()), *sorted({*self._dropped} - {*order})]:
            files, size = self._kept[language]
            lines.append(f"{language:<18}{'kept':<28}{files:>9,}{size / 1e6:>9.2f}")
            reasons = self._dropped[language].items()
            for reason, (count, dropped) in sorted(reasons, key=lambda item: -item[1][1]):
                lines.append(f"{'':<18}{'- ' + reason:<28}{count:>9,}{dropped / 1e6:>9.2f}")
        return "\n".join(lines)


def _zero() -> list[int]:
    return [0, 0]
