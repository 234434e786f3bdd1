/* SPDX-License-Identifier: Apache-2.0 */
/*
 * double: `double: drop`, elements that one version tells apart and the other does not:
 * of those the first stays.
 */
#include "translators/compose/joint.h"

bool
step_drop_doubles(struct step *s, const struct take *t)
{
    struct compose *c = s->c;
    struct normal_node *each = t->value;
    if (step_is_dead(each))
        return true;
    /* What stood there beside it is no element of this arrow's. */
    if (!each->is_each || !each->parent || each->each == NORMAL_NONE ||
        node_has_states(each))
        return compose_stop(c, &t->arrow->origin,
                            "doubles that are dropped where others stand");
    uint32_t term = join_term(c, each);
    uint32_t came = join_term(c, t->came);
    if (term == NORMAL_NONE || came == NORMAL_NONE)
        return false;
    guard there = node_present(c, each);
    guard merged = ask(c, (struct atom){.kind = ATOM_MERGED,
                                        .source = each->each,
                                        .term = term,
                                        .other = came,
                                        .n = there});
    node_limit(c, each, guard_not(&c->guards, merged));
    return say_notice(c, both(c, there, merged), each->each, NOTICE_LOSSY,
                      &t->way->origin);
}
