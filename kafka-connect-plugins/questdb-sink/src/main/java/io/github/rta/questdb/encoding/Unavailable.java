package io.github.rta.questdb.encoding;

/** QuestDB can't be used at present; trying again later may help. */
public final class Unavailable extends Exception {
    private static final long serialVersionUID = 1L;

    public Unavailable(String reason) {
        super(reason, null, false, false);
    }
}
