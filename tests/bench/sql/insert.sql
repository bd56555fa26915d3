-- SPDX-License-Identifier: Apache-2.0
INSERT INTO job (body) VALUES (repeat('x', :body));
