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

    /** Nothing is known yet, but this {@code put()} has waited long enough: the next one goes on. */
    public static final class TimeIsUp extends Unavailable {
        private static final long serialVersionUID = 1L;

        public TimeIsUp() {
            super("no answer yet");
        }
    }
}
