// Shared by the library and its build script.

/// A published standard: all its item ids, in our words.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct StandardFile {
    /// `cis`, `nsa`, `pss`, `aks`, `mcsb`, `mitre`.
    pub name: String,
    /// The standard's version.
    pub version: String,
    /// What it is.
    pub title: String,
    /// Its items, in its order.
    pub items: Vec<StandardItem>,
}

/// One item of a standard.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct StandardItem {
    /// Its id in the standard.
    pub id: String,
    /// What it asks for, in our words.
    pub title: String,
    /// Why configuration alone cannot answer it, when it cannot: `needs: node facts`.
    pub needs: Option<String>,
    /// The parts that are together the whole, for an item that several controls
    /// share: it is met when each of them holds.
    pub parts: Vec<String>,
}
