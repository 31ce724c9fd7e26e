"""The parameters that the web adds to links as people share them."""

# by the programs that send newsletters and count visits
PREFIXES = ("utm_", "mtm_", "matomo_", "piwik_", "hsa_", "__hs", "_hs")
NAMES = frozenset(
    {
        # advertisements: Google, Meta, Microsoft, Yandex, X, TikTok, LinkedIn, Pinterest, Snap, Reddit
        *("gclid", "gclsrc", "gbraid", "wbraid", "dclid", "gad", "gad_source", "gad_campaignid", "srsltid"),
        *("fbclid", "fb_action_ids", "fb_action_types", "fb_ref", "fb_source", "msclkid", "yclid", "ysclid"),
        *("twclid", "ttclid", "li_fat_id", "epik", "sccid", "rdt_cid", "zanpid", "irclickid"),
        # counting visits
        *("_ga", "_gl", "_gac", "_ke", "_kx", "_openstat", "mc_cid", "mc_eid", "mkt_tok", "vero_id", "vero_conv"),
        *(
            "pk_campaign",
            "pk_kwd",
            "pk_keyword",
            "pk_source",
            "pk_medium",
            "pk_content",
            "pk_cid",
            "s_cid",
            "s_kwcid",
        ),
        *("hsctatracking", "oly_anon_id", "oly_enc_id", "trk", "trkcampaign", "cmpid", "wickedid", "spm", "scm"),
        # sharing
        *("igshid", "igsh", "si", "ref", "ref_src", "ref_url", "share_id", "sharer", "amp", "xtor"),
    }
)


def is_tracking(name: str) -> bool:
    """Tell whether a query parameter has such a name, in any capitals."""
    folded = name.lower()
    return folded in NAMES or folded.startswith(PREFIXES)
