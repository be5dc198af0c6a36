package io.github.rta.questdb.encoding;

/** QuestDB can't be used at present; trying again later may help. */
public class Unavailable extends Exception {
    private static final long serialVersionUID = 1L;

    public Unavailable(String reason) {
        super(reason, null, false, false);
    }

    /** QuestDB works, and will be ready for the record in a moment. */
    public static final class Soon extends Unavailable {
        private static final long serialVersionUID = 1L;

        Soon(String reason) {
            super(reason);
        }
    }

    /** QuestDB answers, but there is so much to ask that the rest is left to the next {@code put()}. */
    public static final class TimeIsUp extends Unavailable {
        private static final long serialVersionUID = 1L;

        TimeIsUp() {
            super("more tables to ask about than there is time for");
        }
    }
}
