pub mod watching;
pub mod operations;
pub mod sampler;
pub mod trash;
