//! What becomes of families of which no event is left: their counters stay, all of a job's layer together.

use rusqlite::Transaction;

/// Lets families go. Their counters are those of one family from then on that stands for all of a layer of a job, and stays: a
/// sum over lanes and contents never gets less.
pub(super) fn fold(transaction: &Transaction<'_>, families: &[i64]) -> rusqlite::Result<()> {
    let mut keep = transaction.prepare(
        "INSERT OR IGNORE INTO family (repository, job, lane, layer, contents)
        SELECT repository, job, '', layer, '' FROM family WHERE id = ?1",
    )?;
    let mut kept = transaction.prepare(
        "SELECT kept.id FROM family gone JOIN family kept USING (repository, job, layer)
        WHERE gone.id = ?1 AND kept.lane = '' AND kept.contents = ''",
    )?;
    let mut add = transaction.prepare(
        "INSERT INTO total (family, kind, outcome, events, number, bytes, time, saved, lost)
        SELECT ?2, kind, outcome, events, number, bytes, time, saved, lost FROM total WHERE family = ?1
        ON CONFLICT DO UPDATE SET events = events + excluded.events, number = number + excluded.number,
            bytes = bytes + excluded.bytes, time = time + excluded.time, saved = saved + excluded.saved,
            lost = lost + excluded.lost",
    )?;
    for family in families {
        keep.execute([family])?;
        let kept: i64 = kept.query_row([family], |row| row.get(0))?;
        if kept != *family {
            add.execute([*family, kept])?;
            transaction.execute("DELETE FROM total WHERE family = ?1", [family])?;
            transaction.execute("DELETE FROM family WHERE id = ?1", [family])?;
        }
    }
    Ok(())
}
