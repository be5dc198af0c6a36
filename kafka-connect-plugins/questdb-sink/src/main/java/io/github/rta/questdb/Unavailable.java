package io.github.rta.questdb;

/** QuestDB can't be used at present; trying again later may help. */
final class Unavailable extends Exception {
    private static final long serialVersionUID = 1L;

    Unavailable(String reason) {
        super(reason, null, false, false);
    }
}
