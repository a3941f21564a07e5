"""A plan of every kind of write, more than forty of them."""

from __future__ import annotations

from tests.faults.killing import Plot

BEFORE_IT = """\
services:
  - {name: Ventes, managed: true, label: Ventes}
  - {name: Ancien, managed: true, label: Ancien}
bases:
  - {name: a, label: Was a, fields: [{name: f_a, label: F, datatype: string}]}
  - {name: b, label: Was b, fields: [{name: f_b, label: F, datatype: string}]}
  - {name: c, label: Was c, fields: [{name: f_c, label: F, datatype: string}]}
  - name: prospects
    label: Prospects
    fields:
      - {name: ville, label: Ville, datatype: string}
      - {name: fax, label: Fax, datatype: phone}
    batches:
      - {name: relance, service: Ventes, association: {destination: phone}}
      - {name: appels, service: Ventes, association: {destination: phone}, state: started}
      - {name: ete, service: Ventes, association: {destination: phone}, state: started}
      - {name: printemps, service: Ancien, association: {destination: phone}}
      - {name: automne, service: Ventes, association: {destination: phone}, state: paused}
      - {name: hiver, service: Ventes, association: {destination: phone}, state: started}
      - {name: essai, service: Ventes, association: {destination: phone}}
  - name: clients
    label: Clients
    fields:
      - {name: mail, label: Mail, datatype: email}
      - {name: age, label: Age, datatype: integer}
  - name: vieux
    label: Vieux
    fields: [{name: fax, label: Fax, datatype: phone}]
    batches:
      - {name: reste, service: Ancien, association: {destination: phone}, state: paused}
      - {name: rebut, service: Ancien, association: {destination: phone}}
  - {name: perdu, label: Perdu, fields: [{name: note, label: Note, datatype: text}]}
"""
AFTER_IT = """\
services:
  - {name: Ventes, managed: true, label: Ventes sortantes}
  - {name: Rappels, managed: true, label: Rappels}
bases:
  - {name: b, renamed_from: [a], label: Was a, fields: [{name: f_a, label: F, datatype: string}]}
  - {name: c, renamed_from: [b], label: Was b, fields: [{name: f_b, label: F, datatype: string}]}
  - {name: a, renamed_from: [c], label: C no more, fields: [{name: f_c, label: G, datatype: string}]}
  - name: prospects
    label: Prospects 2026
    fields:
      - {name: ville, label: Commune, datatype: string}
      - {name: mail, label: Mail, datatype: email}
    batches:
      - {name: relance 2, renamed_from: [relance], service: Rappels, association: {destination: ville}}
      - {name: appels, service: Ventes, association: {destination: ville}, state: started}
      - {name: ete, service: Ventes, association: {destination: phone}, state: paused}
      - {name: printemps, service: Ventes, association: {destination: phone}, state: started}
      - {name: automne, service: Ventes, association: {destination: phone}, state: stopped}
      - {name: rappel, service: Rappels, association: {destination: phone}, initial_state: started}
      - {name: depart, service: Rappels, association: {destination: mail}, state: started}
      - {name: attente, service: Ventes, association: {destination: phone}, state: new}
  - name: clients
    label: Clients 2026
    fields:
      - {name: mail, label: E-mail, datatype: email}
      - {name: age, label: Annees, datatype: integer}
      - {name: pays, label: Pays, datatype: string}
  - name: vieux
    ensure: absent
  - name: neuf
    label: Neuf
    fields:
      - {name: ville, label: Ville, datatype: string}
      - {name: fax, label: Fax, datatype: phone}
    batches:
      - {name: un, service: Rappels, association: {destination: phone}, state: started}
      - {name: deux, service: Ventes, association: {destination: ville}, initial_state: started}
      - {name: trois, service: Ventes, association: {destination: fax}}
  - {name: jeune, label: Jeune, fields: [{name: note, label: Note, datatype: text}]}
"""
LONG = Plot(
    BEFORE_IT,
    AFTER_IT,
    count=45,
    consents=(
        *("--prune", "--allow-start"),
        *("--allow-stop", "bases/prospects", "--allow-stop", "bases/vieux"),
        *("--allow-data-loss", "bases/vieux", "--allow-data-loss", "bases/perdu"),
        *("--allow-data-loss", "bases/prospects/fields/fax"),
    ),
    starts={"appels": 1, "printemps": 1, "rappel": 1, "depart": 1, "un": 1, "deux": 1},
)
"""A ring of three bases (4 renames), one of which is changed in the same call; a rename of a new batch; a batch that is
paused, changed and started; batches that are started, paused, stopped, stopped and deleted; fields that are made,
changed and deleted; bases that are made with fields and batches, changed, and deleted with what is below them; services
of all three."""
