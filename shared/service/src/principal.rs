//! Who is asking, and what they may see.

use expansion_domain::Id;

use crate::Error;

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Sees everything and may refresh.
    Manager,
    /// Sees their own portfolio.
    Csm(Id),
}

/// Under which names the token carries what we need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The claim with the CSM's id.
    pub csm: String,
    /// The claim with the role.
    pub role: String,
    /// The role of a manager.
    pub manager: String,
}

impl Principal {
    /// Reads the claims of a verified token. The role claim may list several roles, separated by blanks or commas or
    /// in brackets, as identity providers write them.
    /// `None` when they name neither a manager nor a CSM.
    pub fn from_claims<'a>(names: &ClaimNames, claim: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let separators = [' ', ',', '[', ']'];
        if claim(&names.role).is_some_and(|roles| roles.split(separators).any(|role| role == names.manager)) {
            return Some(Self::Manager);
        }
        claim(&names.csm).filter(|csm| !csm.is_empty()).map(|csm| Self::Csm(csm.into()))
    }

    /// Whether the caller may see a customer in the care of `csm_id`.
    pub fn may_see(&self, csm_id: Option<&Id>) -> bool {
        self.csm_id().is_none_or(|own| csm_id == Some(own))
    }

    /// The CSM that the caller is, if they are one.
    pub fn csm_id(&self) -> Option<&Id> {
        match self {
            Self::Manager => None,
            Self::Csm(own) => Some(own),
        }
    }

    /// Refuses everybody but a manager, for the reason given.
    pub(crate) fn must_be_manager(&self, reason: &'static str) -> Result<(), Error> {
        if *self == Self::Manager { Ok(()) } else { Err(Error::Forbidden(reason)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> ClaimNames {
        ClaimNames { csm: "csm".to_owned(), role: "roles".to_owned(), manager: "manager".to_owned() }
    }

    #[test]
    fn claims_name_a_manager_a_csm_or_nobody() {
        let of = |csm: Option<&'static str>, role: Option<&'static str>| {
            Principal::from_claims(&names(), move |name| if name == "csm" { csm } else { role })
        };
        assert_eq!(of(Some("csm-1"), Some("[admin manager]")), Some(Principal::Manager));
        assert_eq!(of(Some("csm-1"), Some("managers")), Some(Principal::Csm("csm-1".into())));
        assert_eq!(of(Some(""), None), None);
    }

    #[test]
    fn a_csm_sees_only_their_own() {
        let csm = Principal::Csm("csm-1".into());
        assert!(csm.may_see(Some(&"csm-1".into())));
        assert!(!csm.may_see(Some(&"csm-2".into())) && !csm.may_see(None));
        assert!(Principal::Manager.may_see(None));
    }
}
