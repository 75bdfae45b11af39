"""Which tests stand for which number of the catalogue (faults 2 to 6), by file and name below `tests/`.

`test_index` fails where a named test does not exist, or a number has none. Tests of `tests/faults` whose name begins
with `test_atkNN_` count for their class by that name and are not listed again.
"""

from typing import Final

Tests = tuple[str, ...]

ATTACKS: Final[dict[str, Tests]] = {
    "ATK01": (
        "ledger/test_commits.py::test_address_of_another_validator_on_a_valid_signature",
        "node/test_candidates.py::test_a_block_with_a_last_commit_that_does_not_convince_gets_nil",
        "light/test_rules.py::test_a_trusted_validator_twice_in_the_commit_vouches_not_even_once",
    ),
    "ATK02": ("consensus/test_exchange.py::test_rounds_and_bitmaps_that_lie_cost_no_more_than_an_answer",),
    "ATK03": ("ledger/test_endorsements.py::test_proposal_of_more_parts_than_a_block_has",),
    "ATK04": (
        "core/test_merkle.py::test_a_proof_binds_item_root_index_and_aunts",
        "light/test_forgeries.py::test_a_receipt",
    ),
    "ATK05": (
        "node/test_catchup.py::test_a_peer_that_takes_back_its_height_changes_nothing_for_others",
        "light/test_client.py::test_a_claimed_height_is_nothing",
    ),
    "ATK06": (
        "node/test_catchup.py::test_a_silent_peer_is_passed_over_and_its_heights_go_to_others",
        "light/test_client.py::test_a_claimed_height_is_nothing",
    ),
    "ATK07": (
        "ledger/test_endorsements.py::test_endorsement_edge_values",
        "ledger/test_endorsements.py::test_proposal_edge_values",
        "ledger/test_commits.py::test_precommits_with_a_wrong_place_add_nothing",
    ),
    "ATK09": (
        "node/test_replica.py::test_a_wrong_block_from_a_peer_is_refused_and_blamed",
        "node/test_catchup.py::test_who_sent_a_wrong_block_is_not_asked_first_again_after_it_reconnects",
    ),
    "ATK08": (
        "node/test_join.py::test_content_that_is_not_the_chains_costs_all_who_offered_it",
        "node/test_join.py::test_a_forged_light_block_is_not_believed",
        "node/test_join.py::test_a_height_is_not_believed",
    ),
    "ATK10": (
        "ledger/test_evidence.py::test_evidence_is_taken_as_long_as_a_light_client_trusts",
        "node/test_watch.py::test_old_evidence_is_neither_taken_nor_put_into_a_block",
    ),
    "ATK11": (
        "ledger/test_genesis.py::test_parameter_ranges",
        "ledger/test_governance.py::test_every_parameter_stays_in_its_range",
        "ledger/test_governance.py::test_whatever_is_decided_every_set_can_live",
    ),
    "ATK12": ("ledger/test_evidence.py::test_no_mutation_convicts",),
    "ATK13": ("ledger/test_evidence.py::test_an_innocent_is_not_blamed",),
    "ATK14": (
        "ledger/test_blocks.py::test_every_header_field_changes_hash_and_bytes",
        "ledger/test_validators.py::test_every_field_changes_the_hash",
        "ledger/test_genesis.py::test_any_changed_value_is_found",
    ),
    "ATK16": (
        "node/test_transport.py::test_answers_are_taken_once_per_question",
        "node/test_catchup.py::test_answers_that_were_not_asked_of_that_peer_are_dropped",
        "ledger/test_commits.py::test_wrong_count",
    ),
    "ATK17": ("light/test_client.py::test_the_client_stops_at_the_first_divergence",),
    "ATK18": (
        "ledger/test_blocks.py::test_median_ignores_nil_and_absent_entries",
        "ledger/test_blocks.py::test_less_than_a_third_of_bad_clocks_cannot_bend_time",
    ),
    "ATK19": ("node/test_crashes.py::test_a_guard_that_is_lost_or_rolled_back_keeps_silent_for_so_many_heights",),
    "ATK20": (
        "node/test_wire.py::test_too_large_is_refused_before_decoding",
        "ledger/test_blocks.py::test_block_bounds",
    ),
    "ATK21": ("core/test_strict_json.py::test_traps", "light/test_fetch_rpc.py::test_integers_in_texts"),
    "ATK23": (
        "ledger/test_commits.py::test_signature_for_something_else",
        "node/test_candidates.py::test_messages_of_other_heights_are_left_out_without_blame",
        "ledger/test_genesis.py::test_chain_id_fits_every_client",
    ),
    "ATK24": ("ledger/test_commits.py::test_garbage_beyond_the_quorum",),
    "ATK25": (
        "node/test_transport.py::test_places_per_address",
        "node/test_transport.py::test_honest_nodes_get_through_half_open_connections",
        "api/test_connection.py::test_one_address_gets_its_places_and_no_more",
        "api/test_connection.py::test_all_addresses_together_get_their_places_and_no_more",
    ),
    "ATK26": ("node/test_candidates.py::test_forged_and_malformed_messages_cost_the_peer",),
    "ATK27": (
        "node/test_handshake.py::test_proofs_with_keys_that_are_none",
        "node/test_handshake.py::test_ephemeral_keys_of_low_order",
    ),
    "ATK28": ("ledger/test_evidence.py::test_context_is_that_of_the_height",),
    "ATK29": (
        "light/test_rules.py::test_phantoms_at_a_later_height",
        "light/test_client.py::test_forward_lunatic_is_caught_once_honest_time_passes_it",
    ),
    "ATK30": (
        "core/test_keys.py::test_a_private_key_does_not_show_itself",
        "core/test_keys.py::test_a_private_key_is_not_serialised",
        "e2e/test_bad_input.py::test_no_node_ended_or_grew_or_told_a_secret",
    ),
    "ATK33": (
        "ledger/test_mempool.py::test_the_same_transaction_twice",
        "api/test_rest.py::test_a_hundred_times_the_same_ballot_at_once_is_one",
        "node/test_candidates.py::test_a_block_that_names_a_transaction_twice_is_refused_at_once",
    ),
    "ATK34": (
        "core/test_merkle.py::test_an_empty_old_tree_proves_nothing",
        "core/test_merkle.py::test_a_missing_root_is_refused",
    ),
    "ATK35": (
        "light/test_verify.py::test_no_byte_can_be_changed_added_or_removed",
        "light/test_forgeries.py::test_a_proof",
    ),
    "ATK38": (
        "node/test_candidates.py::test_a_block_with_a_bad_transaction_gets_nil",
        "node/test_intake.py::test_each_door_has_its_own_bound",
        "node/test_gossip.py::test_memory_is_bounded_whatever_a_peer_announces",
    ),
}

SIMULATION: Final[dict[str, Tests]] = {
    "S1": ("node/test_replica.py::test_a_lossy_network_delays_and_changes_nothing",),
    "S2": ("consensus/test_cluster.py::test_four_correct_nodes",),
    "S3": (
        "node/test_candidates.py::test_two_proposals_in_one_round_end_in_one_block_and_are_bounded",
        "node/test_watch.py::test_two_proposals_are_kept_over_a_restart",
    ),
    "S4": (
        "node/test_candidates.py::test_contradictions_and_far_rounds_do_not_fill_log_and_memory",
        "node/test_watch.py::test_every_double_signing_is_convicted_once_on_all_nodes",
    ),
    "S5": ("consensus/test_cluster.py::test_four_nodes_one_faulty",),
    "S6": ("consensus/test_cluster.py::test_s6_f_plus_1_silent_decide_nothing",),
    "S8": (
        "node/test_candidates.py::test_a_block_with_a_changed_header_gets_nil",
        "node/test_candidates.py::test_a_block_with_a_bad_transaction_gets_nil",
    ),
    "S9": (
        "node/test_candidates.py::test_a_block_whose_transactions_never_come_gets_nil",
        "node/test_candidates.py::test_proposals_of_far_rounds_are_not_gathered",
    ),
    "S10": ("node/test_candidates.py::test_forged_endorsements_cost_the_peer",),
    "S11": ("node/test_candidates.py::test_a_block_with_a_last_commit_that_does_not_convince_gets_nil",),
    "S14": ("node/test_crashes.py::test_a_node_crashes_at_every_disk_call",),
    "S15": ("node/test_crashes.py::test_all_nodes_crash_at_the_same_disk_call",),
    "S16": (
        "node/test_guard.py::test_each_cut_and_each_flipped_bit_is_refused",
        "node/test_wal.py::test_a_torn_tail_is_cut_on_the_disk",
        "node/test_wal.py::test_older_damage_stops_with_the_number_of_the_record_and_the_remedy",
        "node/test_store.py::test_damage_in_an_older_batch_stops_with_the_remedy",
    ),
    "S17": (
        "node/test_files.py::test_a_failed_sync_is_final",
        "node/test_store.py::test_a_failed_write_is_final",
        "node/test_runtime.py::test_a_broken_disk_ends_the_run",
    ),
    "S18": ("node/test_replica.py::test_a_clock_that_is_slow_or_set_back_does_not_stop_a_node",),
    "S19": (
        "node/test_crashes.py::test_a_guard_that_is_lost_or_rolled_back_keeps_silent_for_so_many_heights",
        "node/test_one_key.py::test_a_machine_put_back_by_twenty_heights_does_not_sign_what_others_have_decided",
    ),
    "S20": ("node/test_candidates.py::test_messages_of_other_heights_are_left_out_without_blame",),
    "S21": ("node/test_catchup.py::test_a_silent_peer_is_passed_over_and_its_heights_go_to_others",),
    "S22": (
        "node/test_membership.py::test_the_set_changes_while_some_are_cut_off",
        "node/test_membership.py::test_a_removed_validator_that_goes_on_sending_is_not_counted",
    ),
    "S23": ("ledger/test_mempool.py::test_no_source_fills_the_pool",),
    "S25": (
        "light/test_client.py::test_a_lying_primary_is_caught_by_an_honest_witness",
        "light/test_rules.py::test_forgery",
    ),
}

MUTANTS: Final[dict[str, Tests]] = {
    "M2": ("consensus/test_cluster.py::test_m2_a_lowered_quorum_forks",),
    "M3": ("consensus/test_schedules.py::test_m3_without_the_lock_it_forks",),
    "M5": ("ledger/test_commits.py::test_garbage_beyond_the_quorum",),
}

SCHEDULES: Final[dict[str, Tests]] = {
    "NS1": ("consensus/test_schedules.py::test_ns1_hidden_lock",),
    "NS2": ("consensus/test_schedules.py::test_ns2_line_26",),
    "NS3": ("consensus/test_schedules.py::test_ns3_line_28",),
    "NS4": (
        "consensus/test_schedules.py::test_ns4_line_32_invalid",
        "consensus/test_schedules.py::test_ns4_line_32_locked_later",
    ),
    "NS5": ("consensus/test_schedules.py::test_ns5_line_42",),
    "NS6": ("consensus/test_schedules.py::test_ns6_decide_for_a_past_round",),
    "NS7": ("consensus/test_schedules.py::test_ns7_disagreement_beyond_the_bound",),
    "NS8": (
        "consensus/test_schedules.py::test_ns8_decide_for_a_future_round_proposal_first",
        "consensus/test_schedules.py::test_ns8_round_switch",
    ),
    "NS9": ("consensus/test_schedules.py::test_ns9_new_height",),
}

EVERY_DISK_CALL: Final = (
    "node/test_crashes.py::test_a_node_crashes_at_every_disk_call",
    "node/test_crashes.py::test_all_nodes_crash_at_the_same_disk_call",
)
CRASH_POINTS: Final[dict[str, Tests]] = {
    **dict.fromkeys(("CP1", "CP9", "CP10"), EVERY_DISK_CALL),
    **dict.fromkeys(
        ("CP2", "CP3", "CP4", "CP5", "CP6", "CP7"),
        ("node/test_store.py::test_a_crash_before_or_after_the_batch_leaves_the_block_out_or_whole", *EVERY_DISK_CALL),
    ),
    "CP8": ("node/test_store.py::test_a_torn_batch_counts_as_not_written",),
    **dict.fromkeys(
        ("CP11", "CP12", "CP13"),
        (
            "node/test_files.py::test_a_crash_anywhere_leaves_the_old_file_or_the_new_one",
            "node/test_guard.py::test_after_a_crash_anywhere_the_same_signature_or_none_left",
        ),
    ),
    "CP14": ("node/test_guard.py::test_after_a_crash_anywhere_the_same_signature_or_none_left",),
    "CP15": ("node/test_guard.py::test_after_a_crash_anywhere_the_same_signature_or_none_left", *EVERY_DISK_CALL),
    "CP16": ("node/test_watch.py::test_evidence_survives_a_crash_and_is_sent_again", *EVERY_DISK_CALL),
    "CP17": ("node/test_crashes.py::test_a_node_that_catches_up_crashes_at_every_disk_call",),
    "CP18": (
        "node/test_snapshots.py::test_a_crash_at_any_moment_leaves_it_whole_or_not_there",
        "node/test_join.py::test_a_crash_at_any_moment_leaves_a_state_or_none",
    ),
    "CP19": ("node/test_backfill.py::test_a_crash_at_any_write_leaves_no_gap",),
    "CP20": (
        "node/test_keystore.py::test_after_a_crash_while_the_passphrase_is_changed_the_file_is_whole",
        "node/test_files.py::test_a_crash_anywhere_leaves_the_old_file_or_the_new_one",
    ),
    "CP21": ("node/test_journal.py::test_after_any_crash_all_that_was_synced_and_has_not_ended_comes_back",),
    "CP22": ("node/test_crashes.py::test_a_received_ballot_survives_a_crash_of_its_node_and_is_committed",),
    "CP23": ("faults/test_answers.py::test_cp23_the_same_bytes_get_the_same_answer_whenever_the_node_crashed",),
    "CP24": ("node/test_store.py::test_a_first_start_that_was_cut_short_is_completed",),
}

IN_THE_TABLE: Final = (
    "chaos/test_faults.py::test_every_fault_of_the_catalogue_is_there_once_with_each_number_of_nodes",
)
"""That `scripts/chaos` runs the case on real processes."""
REAL_PROCESSES: Final[dict[str, Tests]] = {
    **dict.fromkeys((f"R{n}" for n in (1, 2, 3, 4, 5, 6, 7, 10, 13, 14)), IN_THE_TABLE),
    "R8": (
        "node/test_one_key.py::test_the_second_of_two_machines_with_one_key_signs_nothing_and_the_first_goes_on",
        *IN_THE_TABLE,
    ),
    "R9": (
        "node/test_one_key.py::test_a_machine_put_back_by_twenty_heights_does_not_sign_what_others_have_decided",
        *IN_THE_TABLE,
    ),
    "R11": ("node/test_transport.py::test_garbage_before_the_handshake", *IN_THE_TABLE),
    "R12": ("api/test_server.py::test_what_is_not_http_is_answered_and_closed", *IN_THE_TABLE),
}

_EACH_KIND: Final = ("sim/test_simulate.py::test_seven_nodes_go_through_each_kind_of_fault",)
EXPECTED: Final[dict[str, Tests]] = {
    **dict.fromkeys(("S7", "S12", "S24"), _EACH_KIND),
    "S13": (
        "sim/test_mutants.py::test_m1_more_than_f_twins_fork",
        "sim/test_mutants.py::test_m2_a_lowered_quorum_forks",
    ),
    "M1": ("sim/test_mutants.py::test_m1_more_than_f_twins_fork",),
    "M4": ("sim/test_mutants.py::test_m4_who_counts_twice_is_found",),
    "M6": ("sim/test_mutants.py::test_m6_without_the_guard_somebody_signs_twice",),
}
"""Numbers whose tests come with the simulator: they have to be there once their file is."""
