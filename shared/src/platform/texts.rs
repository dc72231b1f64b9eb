//! What a customer reads whatever they asked for, in Russian.

/// A fault of our own.
pub const INTERNAL: &str = "Внутренняя ошибка. Попробуйте ещё раз через минуту.";
/// Wrong or missing key.
pub const UNAUTHORIZED: &str = "Неверный ключ доступа.";
