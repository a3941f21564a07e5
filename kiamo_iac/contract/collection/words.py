"""The words by which requests are recognised, in English and French."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final
from unicodedata import combining, normalize

KIND_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "service": frozenset({"service", "queue", "file", "fileattente", "callqueue"}),
    "base": frozenset(
        {"base", "fichier", "contactlist", "contactbase", "database", "listecontact", "contactfile", "basecontact",
         "fichiercontact", "basedonnee", "calllist", "callinglist", "diallist", "dialinglist", "listeappel",
         "fichierappel"}
    ),
    "field": frozenset({"field", "champ", "colonne", "column", "datafield", "customfield", "contactfield"}),
    "batch": frozenset({"batch", "batche", "lot", "campagne", "campaign", "lotappel", "callbatch"}),
}  # fmt: skip
"""In the singular, without accents, signs and articles. `file` is a queue in French; `contactfile` is none."""
LOOSE_WORDS: Final[Mapping[str, str]] = {
    "attribute": "field", "attribut": "field", "property": "field", "propriete": "field", "customdata": "field",
    "run": "batch", "wave": "batch", "vague": "batch", "job": "batch", "mission": "batch", "operation": "batch",
    "list": "base", "liste": "base", "table": "base", "skill": "service", "group": "service", "groupe": "service",
}  # fmt: skip
"""Words that may name a kind where no request has one of its words: a question at best."""
VERB_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "list": frozenset(
        {"list", "liste", "lister", "listing", "all", "tou", "search", "getall", "rechercher", "find", "index"}
    ),
    "create": frozenset(
        {
            "create",
            "creer",
            "creation",
            "add",
            "ajouter",
            "ajout",
            "new",
            "insert",
            "nouveau",
            "nouvelle",
            "store",
            "cree",
            "ajoute",
        }
    ),
    "read": frozenset(
        {
            "read",
            "lire",
            "detail",
            "show",
            "consulter",
            "consulte",
            "affiche",
            "afficher",
            "info",
            "get",
            "obtenir",
            "recuperer",
            "retrieve",
        }
    ),
    "update": frozenset(
        {
            "update",
            "modifier",
            "modification",
            "modify",
            "edit",
            "maj",
            "change",
            "editer",
            "rename",
            "renommer",
            "amend",
            "modifie",
        }
    ),
    "delete": frozenset(
        {"delete", "supprimer", "supprime", "suppression", "remove", "effacer", "efface", "destroy", "drop"}
    ),
}
SEARCH_WORDS: Final = frozenset({"search", "rechercher", "recherche", "find", "query"})
"""Of lists that show what is asked for."""
COMMAND_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "start": frozenset({"start", "demarrer", "demarre", "demarrage", "lancer", "lance", "lancement", "launch", "run"}),
    "pause": frozenset({"pause", "suspendre", "suspend", "suspension"}),
    "stop": frozenset({"stop", "arreter", "arrete", "arret", "terminer", "terminate", "cloturer", "cloture", "clore"}),
    "resume": frozenset({"resume", "reprendre", "reprise"}),
}
REACHED_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "start": frozenset({"started", "running", "demarre", "demarree", "lance", "lancee", "encour"}),
    "pause": frozenset({"paused", "enpause", "suspended", "suspendu", "suspendue"}),
    "stop": frozenset({"stopped", "arrete", "arretee"}),
}
"""The states that commands lead to."""
STATE_WORDS: Final = frozenset(
    {"state", "statu", "status", "etat", "command", "commande", "action", "statut", "control"}
)
"""Segments of calls that change a run state."""
FOREIGN_FOLDERS: Final = frozenset(
    {"supervision", "agent", "interaction", "task", "tache", "statistic", "statistique", "messaging", "directory",
     "annuaire", "activity", "planning", "report", "rapport", "template", "modele", "trash", "corbeille", "deleted",
     "preview", "simulation"}
)  # fmt: skip
"""Other APIs of the vendor, and objects of another sort."""
OTHER_WORDS: Final = frozenset(
    {"import", "importer", "export", "exporter", "count", "compter", "compteur", "nombre", "statistic", "statistique",
     "stat", "duplicate", "dupliquer", "copy", "copier", "clone", "cloner", "merge", "fusionner", "purge", "purger",
     "reset", "clear", "vider", "history", "historique", "contact", "preview", "apercu", "schedule", "planifier",
     "cancel", "annuler", "undo", "check", "verifier", "test", "tester", "simulate", "simuler", "validate", "valider",
     "can", "log", "journal", "audit", "recording", "record", "enregistrement", "value", "valeur", "deleted",
     "supprimee", "archived", "archive", "archiver", "restore", "restaurer", "member", "membre", "bulk",
     "mass", "masse", "multiple", "many", "several", "plusieur", "right", "droit", "permission", "recycle"}
)  # fmt: skip
"""Of requests that do something else with a kind."""
CODES: Final[Mapping[str, tuple[str, str]]] = {
    "1060": ("base", "create"),
    "2000": ("base", "delete"),
    "2010": ("batch", "delete"),
    "2080": ("batch", "update"),
    "2040": ("field", "update"),
    "2050": ("field", "delete"),
}
"""The vendor's codes that only one operation has."""
COMMAND_CODES: Final = ("1130", "2015", "2090", "2100")
"""Those of a batch's run state."""
ATTRIBUTE_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "name": frozenset({"name", "nom"}),
    "label": frozenset({"label", "libelle", "intitule"}),
    "service": frozenset({"service", "serviceid", "idservice", "servicename", "queue", "queueid", "file", "fileid"}),
    "association": frozenset({"association", "mapping", "correspondance"}),
    "state": frozenset({"state", "status", "statu", "etat", "statut"}),
    "datatype": frozenset({"datatype", "type", "fieldtype", "typededonnee", "typedonnee"}),
    "default": frozenset({"default", "isdefault", "pardefaut", "defaut"}),
    "contacts": frozenset({"contact", "contactcount", "contactscount", "nbcontact", "nombrecontact"}),
}
NESTING: Final = frozenset({"attribute", "attribut", "propertie", "propriete"})
"""Keys under which a house keeps all attributes of an object."""
ID_WORDS: Final = frozenset({"id", "_id", "identifiant", "uuid", "identifier", "guid"})
STATE_SPELLINGS: Final[Mapping[str, frozenset[str]]] = {
    "new": frozenset({"new", "nouveau", "nouvelle", "created", "cree", "creee"}),
    "started": REACHED_WORDS["start"],
    "paused": REACHED_WORDS["pause"],
    "stopped": REACHED_WORDS["stop"],
    "finished": frozenset({"finished", "completed", "done", "termine", "terminee", "fini", "finie"}),
}
"""Run states as answers show them."""
_BEHIND_ARTICLES: Final = frozenset({"contact", "appel", "attente", "donnee", "call"})
"""What a kind may be made of: a list of contacts, but no contacts of a list."""
_ARTICLES: Final = frozenset({"de", "d", "du", "des", "la", "le", "les", "l", "of", "the", "a", "an", "un", "une"})
OLD_WORDS: Final = re.compile(
    r"\b(?:deprecated|obsol[eè]te|d[eé]pr[eé]ci[eé]e?s?|do not use|ne plus utiliser)\b", re.IGNORECASE
)

_PARTS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def plain(text: str) -> str:
    """Without accents."""
    return "".join(char for char in normalize("NFKD", text) if not combining(char))


def singular(word: str) -> str:
    """A word without the sign of its plural."""
    if word.endswith("ches") and len(word) > 5:
        return word[:-2]
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def words(text: str) -> tuple[str, ...]:
    """The words of a name, in lower case, in the singular and without accents: `contactBases` → contact, base."""
    return tuple(singular(part.lower()) for part in _PARTS.findall(plain(text)))


def compact(text: str) -> str:
    """A name as one word: `service_id` and `serviceId` → `serviceid`."""
    return "".join(words(text))


def is_of_object(name: str) -> bool:
    """Whether a variable stands for an object, whatever its value is now: `baseId`, `lot`; `version` does not."""
    parts = words(name)
    return not ID_WORDS.isdisjoint(parts) or any("".join(parts) in known for known in KIND_WORDS.values())


def _phrase(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Words without the articles in the name of a kind: of `liste de contacts`, but not of `contacts of a base`."""
    kept: list[str] = []
    for part in parts:
        while part in _BEHIND_ARTICLES and kept and kept[-1] in _ARTICLES:
            kept.pop()
        kept.append(part)
    return tuple(kept)


def whole_kind(parts: tuple[str, ...]) -> str | None:
    """The kind that all words together name: `listes de contacts`."""
    name = "".join(_phrase(parts))
    return next((kind for kind, known in KIND_WORDS.items() if name in known), None)


def kind_of(parts: tuple[str, ...]) -> str | None:
    """The kind that words name: by all of them together, else by the last one or two that do."""
    if kind := whole_kind(parts):
        return kind
    parts = _phrase(parts)
    pairs = [first + second for first, second in pairwise(parts)]
    for part in (*reversed(pairs), *reversed(parts)):
        for kind, known in KIND_WORDS.items():
            if part in known:
                return kind
    return None


def without_kind(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Words without those that name a kind: `contact list index` → index, for a contact list is no list of contacts."""
    parts = _phrase(parts)
    every = frozenset().union(*KIND_WORDS.values())
    pairs = {at for at, pair in enumerate(pairwise(parts)) if "".join(pair) in every}
    named = pairs | {at + 1 for at in pairs} | {at for at, part in enumerate(parts) if part in every}
    return tuple(part for at, part in enumerate(parts) if at not in named)


def without_own_kind(name: str, kind: str) -> str:
    """A key without the words of its own kind, as one word: `batchState` of a batch → state."""
    return "".join(part for part in words(name) if part not in KIND_WORDS[kind] and part not in _ARTICLES)


def meaning_of(parts: tuple[str, ...], known: Mapping[str, frozenset[str]]) -> str | None:
    """The first operation that words name."""
    for part in parts:
        for name, spellings in known.items():
            if part in spellings:
                return name
    return None
