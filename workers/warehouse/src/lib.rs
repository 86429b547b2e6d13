//! Where rows end: the trait Warehouse, slices, audit and current views
